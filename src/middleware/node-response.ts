import { reflectApply } from '../builtins.js'
import { runInScope } from '../context/scope.js'
import type { EventEmitter } from 'node:events'
import type { RequestOutcome, RequestTrace } from './request.js'
import { isHostsAnswer, noteAnswer, SESSION_HEADER } from './request.js'

/** The part of Node's response that tells when it is over. */
export interface NodeResponse extends EventEmitter {
  readonly writableFinished?: boolean
  readonly destroyed?: boolean
  /** Of HTTP/2, where a response finishes also when the client reset its stream. */
  readonly stream?: { readonly aborted?: boolean } | null
}

/** Calls `onOver` once: when the response was handed to the system, or when its connection closed before that. */
export function onResponseOver(response: NodeResponse, onOver: (isAborted: boolean) => void): void {
  if (response.writableFinished === true) return onOver(false)
  if (response.destroyed === true) return onOver(true)
  let isOver = false
  const end = (isAborted: boolean): void => {
    if (isOver) return
    isOver = true
    onOver(isAborted)
  }
  const { stream } = response
  response.once('finish', () => end(stream?.aborted === true))
  response.once('close', () => end(response.writableFinished !== true))
}

/** Ends a request when its response is over, whatever the host's objects answer to the questions that `read` puts to them. */
export function endWithResponse(trace: RequestTrace, response: NodeResponse, read: (isAborted: boolean) => RequestOutcome): void {
  onResponseOver(response, (isAborted) => {
    trace.end(trace.tracer.instance.guard<RequestOutcome>('request', { isAborted }, () => read(isAborted)))
  })
}

/** The trace whose scope the listeners of a request or response run in; the innermost one, which knows those around it. */
const listening = new WeakMap<object, Pick<RequestTrace, 'run'>>()

/**
 * Lets the listeners of a request or response run with its session and span current. Node calls them from the connection,
 * where nothing of the request is current: a handler that waits for `req.on('end')` would lose its session.
 */
export function runListenersIn(trace: Pick<RequestTrace, 'run'>, emitter: EventEmitter): void {
  const isBound = listening.has(emitter)
  listening.set(emitter, trace)
  if (isBound) return
  const { emit } = emitter
  Object.defineProperty(emitter, 'emit', {
    configurable: true,
    writable: true,
    value: function emitInRequest(this: EventEmitter, ...args: Parameters<EventEmitter['emit']>): boolean {
      const current = listening.get(emitter)
      return current === undefined ? reflectApply(emit, this, args) : current.run(() => reflectApply(emit, this, args))
    },
  })
}

const NOWHERE: Pick<RequestTrace, 'run'> = { run: (fn) => runInScope(undefined, fn) }

/**
 * Lets the listeners of an untraced request or response run where nothing is current, as its handler does: on a port that was opened in a
 * session, or on a connection that was used before, they would run in the scope of that.
 */
export function runListenersNowhere(...emitters: readonly EventEmitter[]): void {
  try {
    for (const emitter of emitters) runListenersIn(NOWHERE, emitter)
  } catch {
    // One that refuses changes is left as it is.
  }
}

/** The part of Node's response that holds headers. */
interface Head {
  readonly headersSent: boolean
  getHeader(name: string): unknown
  setHeader(name: string, value: string): unknown
}

/** Answers the session's id, unless the head of the response is on its way already, or the host answers one of its own. */
export function answerSession(response: Head, sessionId: string): void {
  if (response.headersSent || isHostsAnswer(response, response.getHeader(SESSION_HEADER))) return
  response.setHeader(SESSION_HEADER, sessionId)
  noteAnswer(response, sessionId)
}
