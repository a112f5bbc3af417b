/** Datapoints as they are made, by a request or out of an event. */
import { isObject, type JsonObject, toObject, toStrings } from '../../otlp/json.js'
import type { Transaction } from '../store/change-queue.js'
import { addDocument, addPoints, changeDocument, findDocument } from '../store/documents.js'

/** Stores a datapoint and lists it in the datasets it is linked to. Gives back its id. */
export function insertDatapoint(tx: Transaction, projectId: number, body: JsonObject): string {
  const { id } = addDocument(tx, 'datapoint', projectId, body)
  for (const datasetId of toStrings(body.linked_datasets)) {
    const dataset = findDocument(tx, 'dataset', datasetId, [projectId])
    if (dataset === undefined) continue
    addPoints(tx, dataset.id, [id])
    changeDocument(tx, 'dataset', dataset, dataset.body)
  }
  return id
}

/** The datapoint of an event in its REST form: what went in, and what came out or should have. */
export function toDatapoint(event: JsonObject, datasetId: string | undefined): JsonObject {
  const inputs = toObject(event.inputs)
  const truth = toObject(event.feedback).ground_truth
  return {
    inputs,
    history: Array.isArray(inputs.chat_history) ? inputs.chat_history : [],
    ground_truth: isObject(truth) ? truth : truth === undefined ? toObject(event.outputs) : { value: truth },
    metadata: null,
    linked_event: event.event_id,
    linked_datasets: datasetId === undefined ? [] : [datasetId],
  }
}
