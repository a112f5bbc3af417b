/** Sessions and their running totals, read once and written once per request. */
import type { Transaction } from './change-queue.js'
import type { Row } from './database.js'
import { type Contribution, NO_CONTRIBUTION } from './event-record.js'
import { NO_PREVIEW, parsePreview, type SessionPreview } from './session-preview.js'
import { toUpsert } from './statement.js'

/** How a session came to be: named by a request, made on demand by ingestion, or only implied by its events. */
export type SessionOrigin = 'explicit' | 'auto' | 'orphan'

/** A session while a write works on it. */
export interface SessionState {
  readonly projectId: number
  readonly id: string
  name: string
  source: string
  startMs: number
  endMs: number
  runId: string | null
  /** Who it is about. */
  user: string | null
  preview: SessionPreview
  origin: SessionOrigin
  totals: Contribution
}

/** The sessions one write touches. */
export interface SessionTotals {
  find(projectId: number, id: string): SessionState | undefined
  /** The session, created as an orphan around `startMs` when it is unknown. */
  open(projectId: number, id: string, startMs: number): SessionState
  /** Replaces what an event added before by what it adds now. */
  contribute(session: SessionState, before: Contribution, after: Contribution, startMs: number, endMs: number): void
  /** Runs that touched sessions belong to, and the project each was seen in. */
  runs(): readonly { readonly runId: string; readonly projectId: number }[]
  /** Writes every touched session. */
  save(): void
}

/** Builds the working set of one write. */
export function createSessionTotals(tx: Transaction): SessionTotals {
  const states = new Map<string, SessionState>()

  function find(projectId: number, id: string): SessionState | undefined {
    const name = `${projectId} ${id}`
    const present = states.get(name)
    if (present !== undefined) return present
    const row = tx.get('SELECT * FROM sessions WHERE project_id = ? AND id = ?', projectId, id)
    if (row === undefined) return undefined
    const state = fromRow(row)
    states.set(name, state)
    return state
  }

  return {
    find,
    open(projectId, id, startMs) {
      const present = find(projectId, id)
      if (present !== undefined) return present
      const state: SessionState = {
        projectId,
        id,
        name: 'Session',
        source: 'unknown',
        startMs,
        endMs: startMs,
        runId: null,
        user: null,
        preview: NO_PREVIEW,
        origin: 'orphan',
        totals: NO_CONTRIBUTION,
      }
      states.set(`${projectId} ${id}`, state)
      return state
    },
    contribute(session, before, after, startMs, endMs) {
      session.totals = replaceContribution(session.totals, before, after)
      if (before.hasFeedback && !after.hasFeedback) session.totals = { ...session.totals, hasFeedback: hasFeedback(tx, session) }
      session.startMs = Math.min(session.startMs, startMs)
      session.endMs = Math.max(session.endMs, endMs)
    },
    runs() {
      const runs = new Map<string, { runId: string; projectId: number }>()
      for (const { runId, projectId } of states.values()) if (runId !== null) runs.set(runId, { runId, projectId })
      return [...runs.values()]
    },
    save() {
      for (const state of states.values()) saveState(tx, state)
    },
  }
}

function hasFeedback(tx: Transaction, { projectId, id }: SessionState): boolean {
  return (
    tx.get('SELECT 1 AS found FROM events WHERE project_id = ? AND session_id = ? AND has_feedback = 1 LIMIT 1', projectId, id) !==
    undefined
  )
}

function replaceContribution(totals: Contribution, before: Contribution, after: Contribution): Contribution {
  return {
    events: totals.events - before.events + after.events,
    modelEvents: totals.modelEvents - before.modelEvents + after.modelEvents,
    errors: totals.errors - before.errors + after.errors,
    promptTokens: totals.promptTokens - before.promptTokens + after.promptTokens,
    completionTokens: totals.completionTokens - before.completionTokens + after.completionTokens,
    totalTokens: totals.totalTokens - before.totalTokens + after.totalTokens,
    cost: Math.max(0, totals.cost - before.cost + after.cost),
    unpriced: Math.max(0, totals.unpriced - before.unpriced + after.unpriced),
    hasFeedback: totals.hasFeedback || after.hasFeedback,
  }
}

function saveState(tx: Transaction, { totals, ...state }: SessionState): void {
  const row = {
    project_id: state.projectId,
    id: state.id,
    name: state.name,
    source: state.source,
    start_ms: state.startMs,
    end_ms: state.endMs,
    events: totals.events,
    model_events: totals.modelEvents,
    errors: totals.errors,
    prompt_tokens: totals.promptTokens,
    completion_tokens: totals.completionTokens,
    total_tokens: totals.totalTokens,
    cost: totals.cost,
    unpriced: totals.unpriced,
    user_id: state.user,
    preview: state.preview === NO_PREVIEW ? null : JSON.stringify(state.preview),
    has_feedback: totals.hasFeedback,
    run_id: state.runId,
    origin: state.origin,
    touched_ms: tx.nowMs,
  }
  tx.run(...toUpsert('sessions', ['project_id', 'id'], row))
}

function fromRow(row: Row): SessionState {
  return {
    projectId: Number(row.project_id),
    id: String(row.id),
    name: String(row.name),
    source: String(row.source),
    startMs: Number(row.start_ms),
    endMs: Number(row.end_ms),
    runId: row.run_id === null ? null : String(row.run_id),
    user: row.user_id === null ? null : String(row.user_id),
    preview: parsePreview(row.preview),
    origin: String(row.origin) as SessionOrigin,
    totals: toTotals(row),
  }
}

/** The totals columns that sessions and events share. */
export function toTotals(row: Row): Contribution {
  return {
    events: Number(row.events ?? 0),
    modelEvents: Number(row.model_events ?? 0),
    errors: Number(row.errors ?? 0),
    promptTokens: Number(row.prompt_tokens),
    completionTokens: Number(row.completion_tokens),
    totalTokens: Number(row.total_tokens),
    cost: Number(row.cost),
    unpriced: Number(row.unpriced ?? 0),
    hasFeedback: row.has_feedback === 1,
  }
}
