/** One event, wherever it came from: what ingestion makes of a span and REST of a request is what is stored and what readers get. */
import { createBody, EVENT_BUCKETS, type EventBody } from './event-body.js'
import { type FoundPrice, type PriceTable, toCost } from '../prices/price-table.js'
import { isObject, type JsonObject, toFiniteNumber, toNonEmptyText } from '../../otlp/json.js'
import { type DecodedLink, LAST_DATE_MS } from '../../otlp/decoded-span.js'

/** An event with its project and parent known. */
export interface EventRecord {
  readonly projectId: number
  readonly id: string
  readonly sessionId: string
  readonly parentId: string | null
  readonly type: string
  readonly name: string
  readonly source: string
  readonly startMs: number
  readonly endMs: number
  readonly durationMs: number
  readonly error: string | null
  readonly body: EventBody
  readonly traceId: string | null
  readonly spanId: string | null
  readonly parentSpanId: string | null
  readonly processId: string | null
  readonly links: readonly DecodedLink[]
}

/** Of an event that is no span. */
export const NO_SPAN = { traceId: null, spanId: null, parentSpanId: null, processId: null, links: [] } as const

/** With times that every reader can show, whoever sent them: one beyond all dates would end the export of all that is stored. */
export function withDates(record: EventRecord): EventRecord {
  const { startMs, endMs, durationMs } = record
  if (isTime(startMs) && isTime(endMs) && isTime(durationMs)) return record
  return { ...record, startMs: toTime(startMs), endMs: toTime(endMs), durationMs: toTime(durationMs) }
}

function isTime(ms: number): boolean {
  return ms >= 0 && ms <= LAST_DATE_MS
}

function toTime(ms: number): number {
  return Math.min(Math.max(ms || 0, 0), LAST_DATE_MS)
}

/** What one event adds to the totals of its session. */
export interface Contribution {
  readonly events: number
  readonly modelEvents: number
  readonly errors: number
  readonly promptTokens: number
  readonly completionTokens: number
  readonly totalTokens: number
  readonly cost: number
  /** Events that used tokens of a model whose price is not known. */
  readonly unpriced: number
  readonly hasFeedback: boolean
}

/** Where the cost of an event comes from: it said so, or its tokens were multiplied by a price; `unknown` when no price is known. */
export type CostSource = 'reported' | 'computed' | 'unknown'

/** Adds nothing. */
export const NO_CONTRIBUTION: Contribution = {
  events: 0,
  modelEvents: 0,
  errors: 0,
  promptTokens: 0,
  completionTokens: 0,
  totalTokens: 0,
  cost: 0,
  unpriced: 0,
  hasFeedback: false,
}

/** Totals of one event; a session's own record only carries feedback, its sums are those of the others. */
export function toContribution({ type, error, body, startMs }: Measured, prices: PriceTable): Contribution {
  // An answer that was taken back is null.
  const hasFeedback = Object.values(body.feedback).some((value) => value !== null)
  if (type === 'session') return { ...NO_CONTRIBUTION, hasFeedback }
  const tokens = readAllTokens(body)
  const { cost, source } = readCost({ type, body, startMs }, prices)
  return {
    events: 1,
    modelEvents: type === 'model' ? 1 : 0,
    errors: error === null ? 0 : 1,
    ...tokens,
    cost,
    unpriced: source === 'unknown' ? 1 : 0,
    hasFeedback,
  }
}

/** Of what is added up: sums stay numbers that every engine gives back, and never become infinite, which no column takes. */
const MOST = 1e12

/** What sums are made of. */
type Measured = Pick<EventRecord, 'type' | 'error' | 'body' | 'startMs'>

function readAllTokens(body: EventBody): Pick<Contribution, 'promptTokens' | 'completionTokens' | 'totalTokens'> {
  const promptTokens = readTokens(body, 'prompt_tokens', 'input_tokens')
  const completionTokens = readTokens(body, 'completion_tokens', 'output_tokens')
  return { promptTokens, completionTokens, totalTokens: readTokens(body, 'total_tokens') || promptTokens + completionTokens }
}

/** What an event cost: as it says, else by its tokens; the source is null where there is nothing to pay for. */
export function readCost(
  { type, body, startMs }: Omit<Measured, 'error'>,
  prices: PriceTable,
): { readonly cost: number; readonly source: CostSource | null; readonly price?: FoundPrice } {
  const reported = toFiniteNumber(body.metrics.cost) ?? toFiniteNumber(body.metadata.cost) ?? toFiniteNumber(body.metadata.total_cost)
  if (reported !== undefined) return { cost: Math.min(Math.max(0, reported), MOST), source: 'reported' }
  const { promptTokens, completionTokens, totalTokens } = readAllTokens(body)
  if (type === 'session' || totalTokens === 0) return { cost: 0, source: null }
  const model = toModel(body)
  const provider = toNonEmptyText(body.config.provider) ?? toNonEmptyText(body.metadata.provider) ?? null
  const price = model === null ? undefined : prices.find({ model, provider, atMs: startMs })
  if (price === undefined) return { cost: 0, source: 'unknown' }
  const usage = {
    input: promptTokens || Math.max(0, totalTokens - completionTokens),
    output: completionTokens,
    cacheRead: readTokens(body, 'cache_read_input_tokens'),
    cacheWrite: readTokens(body, 'cache_write_input_tokens'),
  }
  return { cost: toCost(price, usage), source: 'computed', price }
}

const USER_KEYS = ['user_id', 'userId', 'user.id', 'id', 'email', 'username', 'user', 'name'] as const

/** Whose doing an event is, when it says so. */
export function toUser({ user_properties: properties, metadata }: EventBody): string | null {
  for (const key of USER_KEYS) {
    const found = toName(properties[key]) ?? (key === 'id' || key === 'name' || key === 'email' ? undefined : toName(metadata[key]))
    if (found !== undefined) return found
  }
  return null
}

function toName(value: unknown): string | undefined {
  return typeof value === 'number' ? String(value) : toNonEmptyText(value)?.slice(0, 200)
}

/** The model of an event, when it names one. */
export function toModel({ config, metadata }: EventBody): string | null {
  return toNonEmptyText(config.model) ?? toNonEmptyText(metadata.model_name) ?? null
}

/** A later change of an event: objects are merged key by key, outputs are replaced. */
export interface EventPatch {
  readonly outputs?: JsonObject
  readonly metadata?: JsonObject
  readonly feedback?: JsonObject
  readonly metrics?: JsonObject
  readonly config?: JsonObject
  readonly user_properties?: JsonObject
  readonly duration?: number
  readonly end_time?: number
  readonly children_ids?: readonly string[]
}

const MERGED = ['metadata', 'feedback', 'metrics', 'config', 'user_properties'] as const

/** Two patches as one; the later wins. */
export function mergePatches(first: EventPatch, second: EventPatch): EventPatch {
  const merged: Record<string, unknown> = { ...first, ...second }
  for (const bucket of MERGED) {
    if (first[bucket] !== undefined && second[bucket] !== undefined) merged[bucket] = { ...first[bucket], ...second[bucket] }
  }
  return merged
}

/** The record with `patch` applied. */
export function applyPatch(record: EventRecord, patch: EventPatch): EventRecord {
  const body = { ...record.body }
  for (const bucket of MERGED) body[bucket] = { ...body[bucket], ...patch[bucket] }
  if (patch.outputs !== undefined) body.outputs = patch.outputs
  const endMs = patch.end_time ?? (patch.duration === undefined ? record.endMs : record.startMs + patch.duration)
  return {
    ...record,
    body,
    endMs,
    durationMs: patch.duration ?? (patch.end_time === undefined ? record.durationMs : Math.max(0, patch.end_time - record.startMs)),
  }
}

/** The same event sent twice: what is new fills in and replaces, what is missing in the later one stays. */
export function mergeBodies(first: EventBody, second: EventBody): EventBody {
  const merged = createBody()
  for (const bucket of EVENT_BUCKETS) merged[bucket] = { ...first[bucket], ...second[bucket] }
  return merged
}

/** Reads the buckets of an untrusted event; what is no object counts as empty. */
export function toBody(event: JsonObject): EventBody {
  const body = createBody()
  for (const bucket of EVENT_BUCKETS) {
    const value = event[bucket]
    if (isObject(value)) body[bucket] = value
    else if (Array.isArray(value) && bucket === 'outputs') body[bucket] = { value }
  }
  return body
}

function readTokens(body: EventBody, ...keys: readonly string[]): number {
  for (const key of keys) {
    const value = toFiniteNumber(body.metadata[key]) ?? toFiniteNumber(body.metrics[key])
    if (value !== undefined && value > 0) return Math.min(Math.round(value), MOST)
  }
  return 0
}
