import { clearTimeout, setTimeout } from '../builtins.js'
import { toTimerMs } from '../time.js'

/** What `work` gives within the limit; otherwise `undefined`, and `onLate` is told. */
export async function within<T>(limitMs: number, work: Promise<T>, onLate: () => void = () => undefined): Promise<T | undefined> {
  let timer: NodeJS.Timeout | undefined
  const late = new Promise<undefined>((resolve) => {
    timer = setTimeout(() => {
      onLate()
      resolve(undefined)
    }, toTimerMs(limitMs))
  })
  try {
    return await Promise.race([work, late])
  } finally {
    clearTimeout(timer)
  }
}
