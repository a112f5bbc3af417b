/** Tells open pages what changed, as server-sent events. */
import type { ServerResponse } from 'node:http'
import type { Database } from '../store/database.js'
import type { LiveMessage } from '../page-api/contract.js'
import { SECURITY_HEADERS } from './guard.js'
import { findSession } from '../page-api/sessions.js'
import type { CommittedChanges } from '../store/write-queue.js'

const GATHER_MS = 100
const HEARTBEAT_MS = 15_000
const MAX_VIEWERS = 64
const MAX_BUFFERED_BYTES = 1_048_576
const MAX_IDS_PER_MESSAGE = 1_000

/** The viewers of one server. */
export interface LiveFeed {
  /** Keeps the response open; false when there are too many viewers. */
  open(response: ServerResponse): boolean
  publish(changes: CommittedChanges): void
  close(): void
}

/** Builds the feed. Changes of a tenth of a second go out together, so a burst does not drown the page. */
export function createLiveFeed(database: Database): LiveFeed {
  const viewers = new Set<ServerResponse>()
  const sessions = new Map<string, { projectId: number; sessionId: string; eventIds: Set<string> }>()
  const runs = new Map<string, { projectId: number; runId: string }>()
  let timer: NodeJS.Timeout | undefined
  const heartbeat = setInterval(() => send(': alive\n\n'), HEARTBEAT_MS).unref()

  function send(text: string): void {
    for (const viewer of viewers) {
      // A page that does not read must not hold the server's memory; it reconnects and reloads.
      if (viewer.writableLength > MAX_BUFFERED_BYTES) viewer.destroy()
      else viewer.write(text)
    }
  }

  function sendMessage(message: LiveMessage): void {
    send(`data: ${JSON.stringify(message)}\n\n`)
  }

  function flush(): void {
    timer = undefined
    for (const { projectId, sessionId, eventIds } of sessions.values()) {
      const session = findSession(database, sessionId, projectId)
      if (session !== undefined) sendMessage({ kind: 'session', projectId: String(projectId), session })
      if (eventIds.size > 0)
        sendMessage({ kind: 'events', projectId: String(projectId), sessionId, eventIds: [...eventIds].slice(0, MAX_IDS_PER_MESSAGE) })
    }
    for (const { projectId, runId } of runs.values()) sendMessage({ kind: 'run', projectId: String(projectId), runId })
    sessions.clear()
    runs.clear()
  }

  return {
    open(response) {
      if (viewers.size >= MAX_VIEWERS) return false
      response.writeHead(200, { ...SECURITY_HEADERS, 'content-type': 'text/event-stream', 'cache-control': 'no-store' })
      response.write('retry: 1000\n\n')
      viewers.add(response)
      response.on('close', () => viewers.delete(response))
      return true
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
      timer ??= setTimeout(flush, GATHER_MS).unref()
    },
    close() {
      clearInterval(heartbeat)
      clearTimeout(timer)
      for (const viewer of viewers) viewer.end()
    },
  }
}
