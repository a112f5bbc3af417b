import { useEffect, useRef, useState } from 'preact/hooks'
import type { LiveMessage } from '../../page-api/contract.js'

/** Whether the server's event stream is connected. */
export type LiveState = 'connecting' | 'live' | 'lost'

type Listener = (message: LiveMessage | null) => void

const listeners = new Set<Listener>()
const watchers = new Set<(state: LiveState) => void>()
let state: LiveState = 'connecting'

/** Opens the one event stream of the page; the browser reconnects by itself, and a reconnection makes views read again. */
export function openLive(): void {
  const source = new EventSource('/api/live')
  source.onopen = () => {
    const wasLost = state === 'lost'
    setLiveState('live')
    if (wasLost) publish(null)
  }
  source.onerror = () => {
    setLiveState('lost')
    if (source.readyState === EventSource.CLOSED) setTimeout(openLive, 3000)
  }
  source.onmessage = (event: MessageEvent<string>) => {
    const message = parseMessage(event.data)
    if (message) publish(message)
  }
}

function publish(message: LiveMessage | null): void {
  for (const listener of listeners) listener(message)
}

function setLiveState(next: LiveState): void {
  state = next
  for (const watcher of watchers) watcher(next)
}

function parseMessage(text: string): LiveMessage | null {
  try {
    return JSON.parse(text) as LiveMessage
  } catch {
    return null
  }
}

/** Whether updates arrive. */
export function useLiveState(): LiveState {
  const [shown, setShown] = useState(state)
  useEffect(() => {
    setShown(state)
    watchers.add(setShown)
    return () => void watchers.delete(setShown)
  }, [])
  return shown
}

/**
 * Calls `onChange` for messages that `concerns` accepts, at most once per `everyMs` (default 500) and once more at the end of
 * a burst. Also after a lost stream is back, when `concerns` is not asked.
 */
export function useLive(concerns: (message: LiveMessage) => boolean, onChange: () => void, everyMs: number = 500): void {
  const latest = useRef({ concerns, onChange, everyMs })
  latest.current = { concerns, onChange, everyMs }
  useEffect(() => {
    let timer: ReturnType<typeof setTimeout> | undefined
    let lastMs = 0
    const fire = (): void => {
      timer = undefined
      lastMs = Date.now()
      latest.current.onChange()
    }
    const listen: Listener = (message) => {
      if (message !== null && !latest.current.concerns(message)) return
      timer ??= setTimeout(fire, Math.max(30, lastMs + latest.current.everyMs - Date.now()))
    }
    listeners.add(listen)
    return () => {
      clearTimeout(timer)
      listeners.delete(listen)
    }
  }, [])
}
