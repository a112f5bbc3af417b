/** Datasets, datapoints, metrics and configurations: small JSON documents of a project. */
import { createId } from './ids.js'
import { type JsonObject, toObject } from '../../otlp/json.js'
import type { Transaction } from './change-queue.js'
import type { Reader, Row } from './database.js'
import { toInsert, toUpsert } from './statement.js'

/** What kind of document it is. */
export type DocumentKind = 'dataset' | 'datapoint' | 'metric' | 'configuration'

/** One stored document. */
export interface StoredDocument {
  readonly id: string
  readonly projectId: number
  readonly createdMs: number
  readonly updatedMs: number
  readonly body: JsonObject
}

const PAGE = 500

/** Stores a new document. */
export function addDocument(tx: Transaction, kind: DocumentKind, projectId: number, body: JsonObject): StoredDocument {
  const document = { id: createId(), projectId, createdMs: tx.nowMs, updatedMs: tx.nowMs, body }
  saveDocument(tx, kind, document)
  return document
}

/** Stores `document` with another body. */
export function changeDocument(tx: Transaction, kind: DocumentKind, document: StoredDocument, body: JsonObject): StoredDocument {
  const changed = { ...document, updatedMs: tx.nowMs, body }
  saveDocument(tx, kind, changed)
  return changed
}

function saveDocument(tx: Transaction, kind: DocumentKind, { id, projectId, createdMs, updatedMs, body }: StoredDocument): void {
  const row = { kind, id, project_id: projectId, created_ms: createdMs, updated_ms: updatedMs, body: JSON.stringify(body) }
  tx.run(...toUpsert('documents', ['kind', 'id'], row, ['project_id', 'created_ms']))
}

/** A document by id, in one of `projectIds`. */
export function findDocument(reader: Reader, kind: DocumentKind, id: string, projectIds: readonly number[]): StoredDocument | undefined {
  const row = reader.get('SELECT * FROM documents WHERE kind = ? AND id = ?', kind, id)
  const document = row === undefined ? undefined : toDocument(row)
  return document !== undefined && projectIds.includes(document.projectId) ? document : undefined
}

/** All documents of some projects, oldest first, read as they are asked for. */
export function* eachDocument(reader: Reader, kind: DocumentKind, projectIds: readonly number[]): Generator<StoredDocument> {
  for (const projectId of projectIds) {
    let [createdMs, key] = [-1, -1]
    for (;;) {
      const rows = reader.all(
        'SELECT rowid AS key, * FROM documents WHERE project_id = ? AND kind = ? AND (created_ms, rowid) > (?, ?) ORDER BY created_ms, rowid LIMIT ?',
        projectId,
        kind,
        createdMs,
        key,
        PAGE,
      )
      for (const row of rows) yield toDocument(row)
      const last = rows.at(-1)
      if (last === undefined || rows.length < PAGE) break
      createdMs = Number(last.created_ms)
      key = Number(last.key)
    }
  }
}

/** Deletes a document, and a dataset's list of rows with it. */
export function removeDocument(tx: Transaction, kind: DocumentKind, id: string): void {
  tx.run('DELETE FROM documents WHERE kind = ? AND id = ?', kind, id)
  if (kind === 'dataset') tx.run('DELETE FROM dataset_points WHERE dataset_id = ?', id)
  if (kind === 'datapoint') tx.run('DELETE FROM dataset_points WHERE datapoint_id = ?', id)
}

/** Ids of the datapoints of a dataset, in the order they were added. */
export function listPoints(reader: Reader, datasetId: string): string[] {
  return reader
    .all('SELECT datapoint_id FROM dataset_points WHERE dataset_id = ? ORDER BY position, datapoint_id', datasetId)
    .map((row) => String(row.datapoint_id))
}

/** Adds datapoints to the end of a dataset; one that is in it already keeps its place. */
export function addPoints(tx: Transaction, datasetId: string, datapointIds: readonly string[]): void {
  const last = tx.get('SELECT max(position) AS last FROM dataset_points WHERE dataset_id = ?', datasetId)?.last ?? -1
  for (const [index, id] of datapointIds.entries()) {
    const row = { dataset_id: datasetId, datapoint_id: id, position: Number(last) + 1 + index }
    tx.run(...toInsert('dataset_points', row, 'ON CONFLICT DO NOTHING'))
  }
}

/** Takes a datapoint out of a dataset; false when it was not in it. */
export function removePoint(tx: Transaction, datasetId: string, datapointId: string): boolean {
  const row = tx.get('DELETE FROM dataset_points WHERE dataset_id = ? AND datapoint_id = ? RETURNING 1 AS gone', datasetId, datapointId)
  return row !== undefined
}

/** Replaces the datapoints of a dataset. */
export function replacePoints(tx: Transaction, datasetId: string, datapointIds: readonly string[]): void {
  tx.run('DELETE FROM dataset_points WHERE dataset_id = ?', datasetId)
  addPoints(tx, datasetId, datapointIds)
}

function toDocument(row: Row): StoredDocument {
  return {
    id: String(row.id),
    projectId: Number(row.project_id),
    createdMs: Number(row.created_ms),
    updatedMs: Number(row.updated_ms),
    body: toObject(JSON.parse(String(row.body))),
  }
}
