import { reflectApply } from '../builtins.js'
import type { EventEmitter } from 'node:events'
import type { RequestTrace } from './request.js'
import { SESSION_HEADER } from './request.js'

/** The part of Node's response that tells when it is over. */
export interface NodeResponse extends EventEmitter {
  readonly writableFinished?: boolean
  readonly destroyed?: boolean
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
  response.once('finish', () => end(false))
  response.once('close', () => end(response.writableFinished !== true))
}

/** The trace whose scope the listeners of a request or response run in; the innermost one, which knows those around it. */
const listening = new WeakMap<object, RequestTrace>()

/**
 * Lets the listeners of a request or response run with its session and span current. Node calls them from the connection,
 * where nothing of the request is current: a handler that waits for `req.on('end')` would lose its session.
 */
export function runListenersIn(trace: RequestTrace, emitter: EventEmitter): void {
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

/** Answers the session's id, unless the head of the response is on its way already. */
export function answerSession(
  response: { readonly headersSent: boolean; setHeader(name: string, value: string): unknown },
  sessionId: string,
): void {
  if (!response.headersSent) response.setHeader(SESSION_HEADER, sessionId)
}
