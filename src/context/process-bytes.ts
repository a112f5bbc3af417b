import { getHeapStatistics } from 'node:v8'

/**
 * Bytes that the queues of all tracers of the process may hold together, and as many that all open spans may hold: 256 MiB, or
 * an eighth of the heap where that is less, so that a server that does not answer never ends a process with a small heap.
 */
export const MAX_PROCESS_BYTES: number = Math.min(268_435_456, Math.floor(getHeapStatistics().heap_size_limit / 8))
