/** Datasets and datapoints: small JSON documents of a project. */
import type { Database, Row } from './database.js'
import { type JsonObject, toObject } from '../../otlp/json.js'

/** What kind of document it is. */
export type DocumentKind = 'dataset' | 'datapoint'

/** One stored document. */
export interface StoredDocument {
  readonly id: string
  readonly projectId: number
  readonly createdMs: number
  readonly updatedMs: number
  readonly body: JsonObject
}

/** Stores a document, replacing the one with its id. Call inside a write. */
export function saveDocument(database: Database, kind: DocumentKind, { id, projectId, createdMs, updatedMs, body }: StoredDocument): void {
  database.run(
    'INSERT INTO documents VALUES (?, ?, ?, ?, ?, ?) ON CONFLICT DO UPDATE SET updated_ms = excluded.updated_ms, body = excluded.body',
    kind,
    projectId,
    id,
    createdMs,
    updatedMs,
    JSON.stringify(body),
  )
}

/** A document by id, in one of `projectIds`. */
export function findDocument(
  database: Database,
  kind: DocumentKind,
  id: string,
  projectIds: readonly number[],
): StoredDocument | undefined {
  const row = database.get('SELECT * FROM documents WHERE kind = ? AND id = ?', kind, id)
  const document = row === undefined ? undefined : toDocument(row)
  return document !== undefined && projectIds.includes(document.projectId) ? document : undefined
}

/** All documents of some projects, oldest first. */
export function listDocuments(database: Database, kind: DocumentKind, projectIds: readonly number[]): StoredDocument[] {
  return projectIds.flatMap((projectId) =>
    database.all('SELECT * FROM documents WHERE project_id = ? AND kind = ? ORDER BY created_ms, rowid', projectId, kind).map(toDocument),
  )
}

/** Deletes a document. Call inside a write. */
export function removeDocument(database: Database, kind: DocumentKind, id: string): void {
  database.run('DELETE FROM documents WHERE kind = ? AND id = ?', kind, id)
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
