import { createHash } from 'node:crypto'
import { readFileSync, readlinkSync } from 'node:fs'
import { hostname } from 'node:os'
import { unixMs } from '../builtins.js'

/** What is known of a process besides its number, which another process gets once it has ended. */
export interface ProcessSign {
  /** Its {@link ownStart}, where it could tell. */
  readonly start: string | undefined
  /** When it was alive, Unix milliseconds. */
  readonly seenMs: number
}

/** Stands for the place in which process numbers mean something: this machine, or this container. */
export function machineMark(): string {
  return createHash('sha1').update(`${hostname()}${readNamespace()}`).digest('hex').slice(0, 8)
}

/** Containers may have one name and numbers of their own. */
function readNamespace(): string {
  try {
    return readlinkSync('/proc/self/ns/pid')
  } catch {
    // Only Linux has it.
    return ''
  }
}

/** When this process began, in the ticks of the kernel; `undefined` where no system tells. */
export function ownStart(): string | undefined {
  return readStart('self')
}

/** Whether the process with this number, on this machine, is not or no longer the one that is meant. */
export function hasEnded(pid: number, { start, seenMs }: ProcessSign): boolean {
  // In a container every program has the same number.
  if (pid === process.pid) return start === undefined ? seenMs < unixMs() - process.uptime() * 1_000 - CLOCK_SLACK_MS : start !== ownStart()
  if (!isAlive(pid)) return true
  const now = readStart(String(pid))
  return start !== undefined && now !== undefined && start !== now
}

/** By how much the clock of the day and that of the process may differ, milliseconds. */
const CLOCK_SLACK_MS = 5_000

function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0)
    return true
  } catch (error) {
    // One that belongs to somebody else is alive too.
    return !(error instanceof Error && 'code' in error && error.code === 'ESRCH')
  }
}

/** Field 22 of `/proc/[pid]/stat`; the name before it may hold anything. */
function readStart(pid: string): string | undefined {
  try {
    const text = readFileSync(`/proc/${pid}/stat`, 'latin1')
    const fields = text.slice(text.lastIndexOf(')') + 2).split(' ')
    return /^\d+$/.test(fields[19] ?? '') ? fields[19] : undefined
  } catch {
    return undefined
  }
}
