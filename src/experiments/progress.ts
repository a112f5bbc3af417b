import { writeText } from '../output.js'
import { toOneLine } from '../terminal-text.js'

/** Shows how far an experiment is. */
export interface ProgressDisplay {
  update(state: ProgressState): void
  /** Leaves the terminal as it was found. */
  finish(state: ProgressState): void
}

/** What is shown. */
export interface ProgressState {
  readonly done: number
  readonly failed: number
  readonly total: number | undefined
  readonly elapsedMs: number
}

/** Where progress goes. */
export interface ProgressStream {
  readonly isTTY?: boolean | undefined
  readonly columns?: number | undefined
  write(text: string): unknown
}

const BAR_WIDTH = 24
/** A terminal is redrawn no more often than this; drawing for each of 100,000 rows would cost more than the rows. */
const REDRAW_MS = 100
/** Elsewhere one line for each tenth, or each so many rows when the total is not known. */
const ROWS_PER_LINE = 1_000

/** A bar that redraws itself on a terminal, a handful of plain lines anywhere else. */
export function createProgress(name: string, stream: ProgressStream = toStandardError()): ProgressDisplay {
  const title = toOneLine(name)
  return stream.isTTY === true ? createBar(title, stream) : createLines(title, stream)
}

function toStandardError(): ProgressStream {
  return {
    isTTY: process.stderr.isTTY,
    get columns() {
      return process.stderr.columns
    },
    write: (text) => writeText('stderr', text),
  }
}

function createBar(name: string, stream: ProgressStream): ProgressDisplay {
  let drawnAtMs = Number.NEGATIVE_INFINITY
  const draw = (state: ProgressState): void => {
    const line = `${name} ${bar(state)} ${describe(state)}`
    stream.write(`\r\u001b[2K${line.slice(0, Math.max((stream.columns ?? 80) - 1, 20))}`)
  }
  return {
    update(state) {
      if (state.elapsedMs - drawnAtMs < REDRAW_MS) return
      drawnAtMs = state.elapsedMs
      draw(state)
    },
    finish(state) {
      draw(state)
      stream.write('\n')
    },
  }
}

function createLines(name: string, stream: ProgressStream): ProgressDisplay {
  let shown = 0
  return {
    update(state) {
      const step =
        state.total === undefined ? Math.floor(state.done / ROWS_PER_LINE) : Math.floor((state.done * 10) / Math.max(state.total, 1))
      const isLast = state.done === state.total
      if (step <= shown || isLast) return
      shown = step
      stream.write(`${name}: ${describe(state)}\n`)
    },
    finish(state) {
      stream.write(`${name}: finished, ${describe(state)}\n`)
    },
  }
}

function bar({ done, total }: ProgressState): string {
  if (total === undefined) return ''
  const filled = Math.round((BAR_WIDTH * done) / Math.max(total, 1))
  return `[${'█'.repeat(filled)}${'░'.repeat(BAR_WIDTH - filled)}]`
}

function describe({ done, failed, total, elapsedMs }: ProgressState): string {
  const rows = total === undefined ? `${done} rows` : `${done}/${total} rows`
  const left = total === undefined || done === 0 || done >= total ? '' : `, ${seconds((elapsedMs / done) * (total - done))} left`
  return `${rows}${failed === 0 ? '' : `, ${failed} failed`}, ${seconds(elapsedMs)}${left}`
}

function seconds(durationMs: number): string {
  const whole = Math.round(durationMs / 1_000)
  return whole < 60 ? `${whole}s` : `${Math.floor(whole / 60)}m${String(whole % 60).padStart(2, '0')}s`
}
