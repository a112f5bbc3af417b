/** Tells open pages what changed, as server-sent events. */
import { clearInterval, clearTimeout, setInterval, setTimeout } from '../../builtins.js'
import type { LiveMessage, SessionSummary } from '../page-api/contract.js'
import type { CommittedChanges } from '../store/changes.js'

const GATHER_MS = 100
const HEARTBEAT_MS = 15_000
const MAX_VIEWERS = 64
const MAX_BUFFERED_BYTES = 1_048_576
const MAX_IDS_PER_MESSAGE = 1_000

/** The viewers of one server. */
export interface LiveFeed {
  /** A stream of what changes from now on; nothing when there are too many viewers. */
  open(): ReadableStream<Uint8Array> | undefined
  publish(changes: CommittedChanges): void
  close(): void
}

type Viewer = ReadableStreamDefaultController<Uint8Array>

/**
 * Builds the feed; `findSession` gives what viewers see of a session. Changes of a tenth of a second go out together, so a
 * burst does not drown the page.
 */
export function createLiveFeed(findSession: (sessionId: string, projectId: number) => SessionSummary | undefined): LiveFeed {
  const encoder = new TextEncoder()
  const viewers = new Set<Viewer>()
  const sessions = new Map<string, { projectId: number; sessionId: string; eventIds: Set<string> }>()
  const runs = new Map<string, { projectId: number; runId: string }>()
  let timer: NodeJS.Timeout | undefined
  const heartbeat = setInterval(() => send(': alive\n\n'), HEARTBEAT_MS).unref()

  function send(text: string): void {
    const bytes = encoder.encode(text)
    for (const viewer of viewers) {
      viewer.enqueue(bytes)
      // A page that does not read must not hold the server's memory; it reconnects and reloads.
      if ((viewer.desiredSize ?? 0) < 0) leave(viewer)
    }
  }

  function leave(viewer: Viewer): void {
    viewers.delete(viewer)
    viewer.close()
  }

  function sendMessage(message: LiveMessage): void {
    send(`data: ${JSON.stringify(message)}\n\n`)
  }

  function flush(): void {
    timer = undefined
    for (const { projectId, sessionId, eventIds } of sessions.values()) {
      const session = findSession(sessionId, projectId)
      sendMessage(
        session === undefined
          ? { kind: 'gone', projectId: String(projectId), sessionId }
          : { kind: 'session', projectId: String(projectId), session },
      )
      if (eventIds.size > 0)
        sendMessage({ kind: 'events', projectId: String(projectId), sessionId, eventIds: [...eventIds].slice(0, MAX_IDS_PER_MESSAGE) })
    }
    for (const { projectId, runId } of runs.values()) sendMessage({ kind: 'run', projectId: String(projectId), runId })
    sessions.clear()
    runs.clear()
  }

  /** A held file only delays the news. */
  function tryToFlush(): void {
    try {
      flush()
    } catch {
      timer = setTimeout(tryToFlush, GATHER_MS).unref()
    }
  }

  return {
    open() {
      if (viewers.size >= MAX_VIEWERS) return undefined
      let own: Viewer | undefined
      const start = (viewer: Viewer): void => {
        own = viewer
        viewers.add(viewer)
        viewer.enqueue(encoder.encode('retry: 1000\n\n'))
      }
      const cancel = (): void => {
        if (own !== undefined) viewers.delete(own)
      }
      return new ReadableStream({ start, cancel }, { highWaterMark: MAX_BUFFERED_BYTES, size: (chunk) => chunk?.byteLength ?? 0 })
    },
    publish(changes) {
      if (viewers.size === 0) return
      for (const [projectId, ofProject] of changes.sessions) {
        for (const [sessionId, eventIds] of ofProject) {
          const name = `${projectId} ${sessionId}`
          const waiting = sessions.get(name)
          if (waiting === undefined) sessions.set(name, { projectId, sessionId, eventIds: new Set(eventIds) })
          else for (const id of eventIds) waiting.eventIds.add(id)
        }
      }
      for (const run of changes.runs) runs.set(run.runId, run)
      timer ??= setTimeout(tryToFlush, GATHER_MS).unref()
    },
    close() {
      clearInterval(heartbeat)
      clearTimeout(timer)
      for (const viewer of viewers) leave(viewer)
    },
  }
}
