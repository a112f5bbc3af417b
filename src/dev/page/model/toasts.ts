import { useEffect, useState } from 'preact/hooks'
import { ApiError } from './api.js'

/** What was done, for a while, and how to take it back. */
export interface Toast {
  readonly id: number
  readonly text: string
  readonly isBad: boolean
  readonly undo?: () => Promise<unknown>
}

const SHOWN_MS = 12_000
const watchers = new Set<(toasts: readonly Toast[]) => void>()
let toasts: readonly Toast[] = []
let lastId = 0

/** Says what was done. */
export function say(text: string, undo?: () => Promise<unknown>): void {
  add({ text, isBad: false, ...(undo === undefined ? {} : { undo }) })
}

/** Does something to the server and says what came of it; false when it was refused. */
export async function attempt(work: () => Promise<unknown>, done?: string, undo?: () => Promise<unknown>): Promise<boolean> {
  try {
    await work()
  } catch (error) {
    add({ text: error instanceof ApiError ? error.message : String(error), isBad: true })
    return false
  }
  if (done !== undefined) say(done, undo)
  return true
}

/** Takes back what a message, or the last one that can be taken back, is about. */
export async function takeBack(toast: Toast | undefined = toasts.findLast(({ undo }) => undo !== undefined)): Promise<void> {
  if (toast?.undo === undefined) return
  dismiss(toast.id)
  await attempt(toast.undo, `Taken back: ${toast.text}`)
}

/** Takes a message away. */
export function dismiss(id: number): void {
  show(toasts.filter((toast) => toast.id !== id))
}

function add(toast: Omit<Toast, 'id'>): void {
  const id = ++lastId
  show([...toasts.slice(-2), { id, ...toast }])
  setTimeout(() => dismiss(id), SHOWN_MS)
}

function show(next: readonly Toast[]): void {
  toasts = next
  for (const watcher of watchers) watcher(next)
}

/** The messages of now. */
export function useToasts(): readonly Toast[] {
  const [shown, setShown] = useState(toasts)
  useEffect(() => {
    watchers.add(setShown)
    return () => void watchers.delete(setShown)
  }, [])
  return shown
}
