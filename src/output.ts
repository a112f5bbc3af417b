import { writeSync } from 'node:fs'

/** Standard error as a number, for writing that must not wait. */
const STANDARD_ERROR = 2

/**
 * Writes to an output of the process. As with `console`, an output that is closed, full, broken or replaced by one that throws reaches
 * nobody, neither as an exception nor as an `error` event; unlike a `Console` it adds nothing to the text.
 */
export function writeText(name: 'stdout' | 'stderr', text: string): void {
  try {
    writeTo(process[name], text)
  } catch {
    // Where nothing can be written there is nowhere to say so.
  }
}

/** Writes to standard error before it returns, for a process or a worker that is about to end. */
export function writeTextNow(text: string): void {
  try {
    writeSync(STANDARD_ERROR, text)
  } catch {
    // A pipe that is full or a descriptor that was closed; the stream may hold the text for as long as there is.
    writeText('stderr', text)
  }
}

/** The error of a pipe comes at once or later, and then first to the callback; an `error` event that nobody hears ends the process. */
function writeTo(stream: NodeJS.WriteStream, text: string): void {
  stream.once('error', ignore)
  try {
    stream.write(text, (error) => {
      if (error != null && stream.listenerCount('error') === 0) stream.once('error', ignore)
    })
  } finally {
    stream.removeListener('error', ignore)
  }
}

function ignore(): void {
  // The output is broken, and what was to be said is lost.
}
