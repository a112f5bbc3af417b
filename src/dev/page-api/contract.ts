/**
 * What the page asks of the local server under `/api`: JSON, one event stream, and files (`GET /api/export`, `/api/runs/:id/export`
 * and `/api/datasets/:id/export` with `?format=otlp|json|jsonl|csv`). `DELETE /api/sessions/:id?project=` and `/api/runs/:id?project=`
 * can be taken back for an hour with `POST …/restore`.
 * Times are Unix milliseconds, durations milliseconds, costs US dollars.
 */
import type { CostSource, EventRecord } from '../store/event-record.js'
import type { FoundPrice } from '../prices/price-table.js'
import type { Dialogue, DialogueMessage } from '../../semantics/dialogue.js'
import type { FailureStep } from '../../semantics/failure.js'

/** `GET /api/projects` */
export interface ProjectList {
  readonly projects: readonly ProjectSummary[]
}
export interface ProjectSummary {
  readonly id: string
  readonly name: string
  readonly sessions: number
  readonly events: number
  readonly runs: number
  readonly lastSeenMs: number | null
}

/**
 * `GET /api/sessions?project=&q=&type=&error=1&source=&metadata=key:value&evaluation=0&sort=cost&order=asc&fromMs=&toMs=&cursor=&limit=`
 * (`q` searches names and the text of inputs and outputs; `evaluation=0` leaves the rows of experiment runs out, `1` gives nothing
 * else; newest first unless `sort` names a figure).
 */
export interface SessionList {
  readonly sessions: readonly SessionSummary[]
  readonly nextCursor: string | null
  /** Distinct sources of the project, for the filter. */
  readonly sources: readonly string[]
  /** How many sessions of the project are rows of an experiment run. */
  readonly evaluationRows: number
}
export interface SessionSummary {
  readonly id: string
  readonly projectId: string
  readonly name: string
  readonly source: string
  readonly startMs: number
  readonly endMs: number
  readonly durationMs: number
  readonly events: number
  readonly modelEvents: number
  readonly errors: number
  readonly totalTokens: number
  readonly cost: number
  /** Events that used tokens and have no price: the cost is that of the others. */
  readonly unpriced: number
  readonly hasFeedback: boolean
  readonly runId: string | null
  /** Who it is about, when an event says so. */
  readonly user: string | null
  /** A line of what was asked first, and of what was answered last. */
  readonly preview: { readonly input: string | null; readonly output: string | null }
}

/** `GET /api/sessions/:id` — every event of a session, light; details are fetched one by one. */
export interface SessionDetail {
  readonly session: SessionSummary
  /** The session's own event in full. */
  readonly event: EventDetail | null
  /** In order of start; up to 20,000 and more. */
  readonly events: readonly EventRow[]
}
export interface EventRow
  extends Pick<EventRecord, 'id' | 'parentId' | 'sessionId' | 'type' | 'name' | 'startMs' | 'durationMs' | 'error'> {
  readonly projectId: string
  readonly totalTokens: number
  readonly cost: number
  /** Null for what used no tokens. */
  readonly costSource: CostSource | null
  readonly model: string | null
  /** Number of links to other traces. */
  readonly links: number
}

/** `GET /api/sessions/:id/conversation`: the session as one conversation, up to 1,000 calls. */
export interface Conversation {
  readonly calls: readonly ConversationCall[]
}
/** One model call of a conversation; without any, the work a session began with. */
export interface ConversationCall {
  readonly event: EventRow
  readonly firstTokenMs: number | null
  /** What it was told that had not been said before. */
  readonly messages: readonly DialogueMessage[]
  readonly answer: readonly DialogueMessage[]
}

/** `GET /api/sessions/:id/search?q=`: events that hold a text in what went in, came out or stands beside it. */
export interface SessionMatches {
  readonly matches: readonly FoundEvent[]
}
export interface FoundEvent {
  readonly id: string
  readonly where: 'inputs' | 'outputs' | 'metadata'
  /** The first place it stands at, and what stands around it. */
  readonly before: string
  readonly text: string
  readonly after: string
}

/**
 * `POST /api/events/:id/annotation?project=`: what a person thinks of an event. What is not named stays; null takes it back. It is
 * stored where every reader of the event sees it: thumb and note under these names in its feedback, scores in its metrics.
 */
export interface Annotation {
  readonly thumbsUp?: boolean | null
  /** At most 10,000 characters. */
  readonly note?: string | null
  readonly scores?: Readonly<Record<string, number | boolean | null>>
}
/** Names of an annotation's parts in the feedback of an event. */
export const FEEDBACK = { thumb: 'thumbs_up', note: 'note' } as const

/** `GET /api/datasets?project=`, last changed first */
export interface DatasetList {
  readonly datasets: readonly DatasetSummary[]
}
export interface DatasetSummary {
  readonly id: string
  readonly projectId: string
  readonly name: string
  readonly rows: number
  readonly updatedMs: number
}
/** `GET /api/datasets/:id?project=` */
export interface DatasetDetail {
  readonly dataset: DatasetSummary
  /** In the order they were added. */
  readonly points: readonly DatasetPoint[]
}
export interface DatasetPoint {
  readonly id: string
  readonly inputs: Readonly<Record<string, unknown>>
  readonly groundTruth: unknown
  /** The event it was made of. */
  readonly eventId: string | null
  readonly createdMs: number
}
/** `POST /api/datapoints?project=`: adds rows to a data set, or to a new one; answers {@link AddedPoints}. `DELETE /api/datapoints/:id?project=` */
export interface NewPoints {
  readonly dataset: { readonly id: string } | { readonly name: string }
  readonly points: readonly {
    readonly inputs: Readonly<Record<string, unknown>>
    readonly groundTruth?: unknown
    readonly history?: readonly unknown[]
    readonly eventId?: string
  }[]
}
export interface AddedPoints {
  readonly datasetId: string
  readonly ids: readonly string[]
}

/** `GET /api/events/:id/page`: one event and what is read out of it. */
export interface EventPage extends EventDetail {
  /** Its messages, whichever library wrote them. */
  readonly dialogue: Dialogue
  /** Its error, then what caused that. */
  readonly failure: readonly FailureStep[]
  /** How its cost comes about; null when it cost nothing. The price is null where the cost was reported, or no price is known. */
  readonly pricing: { readonly source: CostSource; readonly price: FoundPrice | null } | null
}
/** `GET /api/events/:id`: one event in full, as it is stored. */
export interface EventDetail
  extends EventRow,
    Pick<EventRecord, 'source' | 'traceId' | 'spanId'>,
    Readonly<Omit<EventRecord['body'], 'user_properties'>> {
  readonly userProperties: EventRecord['body']['user_properties']
  /** Both directions: what this event points at, and what points at it. */
  readonly linked: readonly LinkedEvent[]
}
export interface LinkedEvent {
  readonly direction: 'to' | 'from'
  /** `honeyhive.link` of the link, e.g. `cross-tracer`. */
  readonly kind: string | null
  readonly traceId: string
  readonly spanId: string
  /** Null while the other end has not arrived. */
  readonly event: EventRow | null
}

/** `GET /api/processes` — processes that sent spans, newest first (resource attributes `host.name`, `process.pid`, `service.name`). */
export interface ProcessList {
  readonly processes: readonly ProcessSummary[]
}
export interface ProcessSummary {
  readonly id: string
  readonly pid: number | null
  readonly host: string | null
  readonly service: string | null
  readonly projects: readonly string[]
  readonly firstSeenMs: number
  readonly lastSeenMs: number
}

/** `GET /api/processes/:id?fromMs=&toMs=` — one lane for each project that the process sent to. */
export interface ProcessDetail {
  readonly process: ProcessSummary
  readonly lanes: readonly { readonly project: ProjectSummary; readonly events: readonly EventRow[] }[]
  /** Links between events of different lanes. */
  readonly links: readonly { readonly fromEventId: string; readonly toEventId: string; readonly kind: string | null }[]
}

/** `GET /api/runs?project=` newest first */
export interface RunList {
  readonly runs: readonly RunSummary[]
}
export interface RunSummary {
  readonly id: string
  readonly projectId: string
  readonly name: string
  readonly status: string
  readonly datasetId: string | null
  readonly createdMs: number
  readonly rows: number
  readonly failedRows: number
  /** Average of each numeric or boolean metric. */
  readonly metrics: Readonly<Record<string, number>>
  readonly cost: number
  readonly totalTokens: number
  readonly durationMs: number
}

/** `GET /api/runs/:id` */
export interface RunDetail {
  readonly run: RunSummary
  readonly configuration: Readonly<Record<string, unknown>>
  readonly metadata: Readonly<Record<string, unknown>>
  readonly rows: readonly RunRow[]
}
export interface RunRow {
  readonly sessionId: string
  readonly datapointId: string | null
  readonly inputs: Readonly<Record<string, unknown>>
  readonly outputs: Readonly<Record<string, unknown>>
  readonly groundTruth: unknown
  readonly error: string | null
  readonly metrics: Readonly<Record<string, number | boolean | string>>
  readonly durationMs: number
  readonly cost: number
  readonly totalTokens: number
}

/** `GET /api/comparison?run=ID&run=ID…`: two to eight runs over the same datapoints; the last is what the others are compared with. */
export interface Comparison {
  /** In the order they were asked for. */
  readonly runs: readonly RunSummary[]
  readonly metrics: readonly ComparedMetric[]
  /** Every datapoint that any of the runs has. */
  readonly rows: readonly ComparedRow[]
}
export interface ComparedMetric {
  readonly name: string
  /** As the run says, else as the name suggests: null where neither does, and more is taken for better. */
  readonly lowerIsBetter: boolean | null
  /** What a row counts as that failed before it had a score. */
  readonly failedScore: number
  /** One for each run; null where the run has no such score. */
  readonly figures: readonly (ComparedFigure | null)[]
}
export interface ComparedFigure {
  readonly average: number
  /** Rows with the score, those that failed included. */
  readonly count: number
  /** Rows that failed before they had one. */
  readonly failed: number
  /** Where the true average lies with a probability of 95 %; null for fewer than two rows. */
  readonly interval: Range | null
  /** Against the last run, over the datapoints both have; null for the last run itself. */
  readonly change: { readonly difference: number; readonly pairs: number; readonly interval: Range | null } | null
}
export interface Range {
  readonly low: number
  readonly high: number
}
export interface ComparedRow {
  /** The datapoint; with a number where a run has it more than once. */
  readonly id: string
  readonly inputs: Readonly<Record<string, unknown>>
  readonly groundTruth: unknown
  /** One for each run; null where the run has no such row. */
  readonly rows: readonly (RunRow | null)[]
}

/** `GET /api/stats?project=&fromMs=&toMs=&bucketMs=` — cost, tokens and latency over time. */
export interface Stats {
  readonly bucketMs: number
  readonly points: readonly {
    readonly timeMs: number
    readonly events: number
    readonly errors: number
    readonly cost: number
    readonly promptTokens: number
    readonly completionTokens: number
    readonly p50Ms: number
    readonly p95Ms: number
  }[]
}

/** `GET /api/drops?project=` — what the SDK said it lost (request header `hh-client-dropped: reason=count;…`, cumulative per tracer). */
export interface DropList {
  readonly drops: readonly { readonly tracer: string; readonly reason: string; readonly count: number; readonly lastSeenMs: number }[]
}

/** `GET /api/live` — server-sent events, each `data:` one of these. */
export type LiveMessage =
  | { readonly kind: 'session'; readonly projectId: string; readonly session: SessionSummary }
  /** The session was deleted. */
  | { readonly kind: 'gone'; readonly projectId: string; readonly sessionId: string }
  | { readonly kind: 'events'; readonly projectId: string; readonly sessionId: string; readonly eventIds: readonly string[] }
  | { readonly kind: 'run'; readonly projectId: string; readonly runId: string }
