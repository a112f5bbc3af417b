import { useEffect, useState } from 'preact/hooks'

/** The time in Unix milliseconds, renewed every `everyMs` (default 5,000) so that ages on the page do not stand still. */
export function useNow(everyMs: number = 5000): number {
  const [nowMs, setNowMs] = useState(Date.now)
  useEffect(() => {
    const timer = setInterval(() => setNowMs(Date.now()), everyMs)
    return () => clearInterval(timer)
  }, [everyMs])
  return Math.max(nowMs, Date.now())
}
