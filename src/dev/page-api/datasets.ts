/** Data sets as the page shows them. */
import { toNonEmptyText, toObject } from '../../otlp/json.js'
import type { Reader } from '../store/database.js'
import { eachDocument, findDocument, listPoints, type StoredDocument } from '../store/documents.js'
import type { DatasetPoint, DatasetSummary } from './contract.js'

/** Every data set of some projects, newest first. */
export function listDatasets(reader: Reader, projectIds: readonly number[]): DatasetSummary[] {
  return [...eachDocument(reader, 'dataset', projectIds)]
    .map((dataset) => toSummary(reader, dataset))
    .sort((a, b) => b.updatedMs - a.updatedMs)
}

/** One data set with its rows, which are read as they are asked for. */
export function readDataset(
  reader: Reader,
  projectIds: readonly number[],
  id: string,
): { readonly dataset: DatasetSummary; readonly points: Iterable<DatasetPoint> } | undefined {
  const dataset = findDocument(reader, 'dataset', id, projectIds)
  return dataset === undefined ? undefined : { dataset: toSummary(reader, dataset), points: eachPoint(reader, dataset) }
}

function* eachPoint(reader: Reader, { id, projectId }: StoredDocument): Generator<DatasetPoint> {
  for (const pointId of listPoints(reader, id)) {
    const point = findDocument(reader, 'datapoint', pointId, [projectId])
    if (point === undefined) continue
    const { inputs, ground_truth: truth = null, linked_event: eventId } = point.body
    yield {
      id: pointId,
      inputs: toObject(inputs),
      groundTruth: truth,
      eventId: toNonEmptyText(eventId) ?? null,
      createdMs: point.createdMs,
    }
  }
}

function toSummary(reader: Reader, { id, projectId, updatedMs, body }: StoredDocument): DatasetSummary {
  const count = reader.get('SELECT count(*) AS count FROM dataset_points WHERE dataset_id = ?', id)?.count
  return { id, projectId: String(projectId), name: toNonEmptyText(body.name) ?? 'Untitled', rows: Number(count ?? 0), updatedMs }
}
