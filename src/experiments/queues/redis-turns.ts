import type { SharedTurns } from './row-queue.js'

/** What is used of a Redis client: its way to send any command. */
export interface ScriptClient {
  call(command: string, ...args: (string | number)[]): Promise<unknown>
}

// `next` is the earliest start if calls came evenly (GCRA). By the clock of Redis, which all workers share.
const NOW = "local t = redis.call('TIME') local now = t[1] * 1000 + t[2] / 1000 local next = tonumber(redis.call('GET', KEYS[1]) or '0')"
const KEEP = "redis.call('SET', KEYS[1], string.format('%.3f', next), 'PX', 86400000)"
const TAKE = `${NOW} local start = math.max(next, now - ARGV[2]) next = start + ARGV[1] ${KEEP} return string.format('%.3f', start - now)`
const HOLD = `${NOW} next = math.max(next, now + ARGV[1]) ${KEEP} return '0'`

/** Turns that are counted in Redis, under keys that start with `name`. */
export function createRedisTurns(name: string, open: () => Promise<ScriptClient>): SharedTurns {
  const keyOf = (key: string): string => `${name}-turns:${key}`
  return {
    async take(key, { intervalMs, slackMs }) {
      return Number(await (await open()).call('EVAL', TAKE, 1, keyOf(key), intervalMs, slackMs))
    },
    async hold(key, waitMs) {
      await (await open()).call('EVAL', HOLD, 1, keyOf(key), waitMs)
    },
  }
}
