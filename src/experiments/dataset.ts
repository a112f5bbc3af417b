import { HoneyHiveError } from '../errors.js'
import { describePromise, describeRow, isPromised, lacksInputs } from './check-options.js'
import { externalDatapointId, externalDatasetId, hasOwnId, streamedDatasetId } from './dataset-ids.js'
import type { Datapoint } from './types.js'

/** One row on its way to the function. */
export interface SourceRow {
  readonly index: number
  readonly datapointId: string
  /** As the dataset gave it. */
  readonly raw: unknown
  /** Which of the `trials` this is, from 1; absent when each row runs once. */
  readonly trial?: number
}

/** An id that ends as a key with a trial does. */
const LIKE_A_TRIAL = /\/\d+$/

/** Name of one execution of a row among all of the run. The first trial is named where the id alone could be that of another row's trial. */
export function rowKey({ datapointId, trial = 1 }: Pick<SourceRow, 'datapointId' | 'trial'>): string {
  return trial === 1 && !LIKE_A_TRIAL.test(datapointId) ? datapointId : `${datapointId}/${trial}`
}

/** A dataset that can be run, wherever it comes from. */
export interface DatasetSource {
  readonly datasetId: string
  /** `undefined` for a stream. */
  readonly total: number | undefined
  /** Ids of all rows, when they are known before the run. */
  readonly datapointIds: readonly string[] | undefined
  /** Rows that a hosted dataset names but the server did not give, filled while the rows are read. */
  readonly missing: readonly string[]
  rows(): Iterable<SourceRow> | AsyncIterable<SourceRow>
}

/** A dataset given in code: a list is hashed as a whole, anything else is read once, row by row. */
export function createLocalSource(dataset: Iterable<unknown> | AsyncIterable<unknown>, runName: string): DatasetSource {
  if (Array.isArray(dataset)) return createListSource(dataset)
  return {
    datasetId: streamedDatasetId(runName),
    total: undefined,
    datapointIds: undefined,
    missing: [],
    rows: () => numbered(dataset),
  }
}

function createListSource(list: readonly unknown[]): DatasetSource {
  const rows = Array.from(list, (raw, index): SourceRow => ({ index, raw, datapointId: externalDatapointId(raw, index) }))
  const unique = rows.map(createIdNumbering())
  return {
    datasetId: externalDatasetId(list),
    total: unique.length,
    datapointIds: unique.map((row) => row.datapointId),
    missing: [],
    rows: () => unique,
  }
}

// Two rows with the same id would share one session and one place in a comparison.
function createIdNumbering(): (row: SourceRow) => SourceRow {
  // How often each id was asked for; ids that were made here count as asked for once.
  const seen = new Map<string, number>()
  return (row) => {
    // An id made of the contents holds the row's position as well.
    if (!hasOwnId(row.raw)) return row
    let number = (seen.get(row.datapointId) ?? 0) + 1
    const toId = (): string => (number === 1 ? row.datapointId : `${row.datapointId}#${number}`)
    while (number > 1 && seen.has(toId())) number += 1
    seen.set(row.datapointId, number)
    const datapointId = toId()
    if (number > 1) seen.set(datapointId, 1)
    return number === 1 ? row : { ...row, datapointId }
  }
}

async function* numbered(dataset: Iterable<unknown> | AsyncIterable<unknown>): AsyncGenerator<SourceRow> {
  const withOwnId = createIdNumbering()
  let index = 0
  for await (const raw of dataset) {
    yield withOwnId({ index, raw, datapointId: externalDatapointId(raw, index) })
    index += 1
  }
}

function refusePromise(raw: PromiseLike<unknown>, index: number, isParsed: boolean): HoneyHiveError {
  // Nobody else waits for it, and a rejection that nobody sees ends the process.
  Promise.resolve(raw).catch(() => undefined)
  const advice = 'Give one that is not async; what has to be awaited belongs into the dataset.'
  return new HoneyHiveError(
    'EXPERIMENT',
    isParsed ? `"parse" gave a promise for row ${index}. ${advice}` : `The dataset: ${describePromise(index)}`,
  )
}

/**
 * The row as the function sees it: what the dataset gave, with `datapointId`, `inputs` and `groundTruth` settled.
 *
 * @throws HoneyHiveError `EXPERIMENT` when the row is no object, or a promise of one; what a getter of the row or `parse` throws is thrown on
 */
export function toDatapoint(row: SourceRow, parse: ((raw: unknown) => unknown) | undefined): Datapoint {
  const raw = parse === undefined ? row.raw : parse(row.raw)
  if (isPromised(raw)) throw refusePromise(raw, row.index, parse !== undefined)
  if (typeof raw !== 'object' || raw === null) {
    throw new HoneyHiveError(
      'EXPERIMENT',
      `Row ${row.index} of the dataset is ${raw === null ? 'null' : `of type ${typeof raw}`}. Give an object with "inputs".`,
    )
  }
  if (parse === undefined && lacksInputs(raw)) throw new HoneyHiveError('EXPERIMENT', `The dataset: ${describeRow(raw, row.index)}`)
  // A copy, which reads each field of the user's once. It has room for what is settled: fields added to a spread cost ten times as much.
  const fields: Record<string, unknown> = { datapointId: undefined, inputs: undefined, groundTruth: undefined, ...raw }
  const { inputs = {}, groundTruth, ground_truth: snakeCased } = fields
  const label = groundTruth === undefined ? snakeCased : groundTruth
  if (snakeCased !== undefined) fields['ground_truth'] = label
  fields['datapointId'] = row.datapointId
  fields['inputs'] = inputs
  fields['groundTruth'] = label
  // The fields that were settled here, and what the row had beside them.
  return fields as Datapoint
}
