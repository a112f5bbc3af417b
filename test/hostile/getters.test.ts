import { afterAll, beforeAll, expect, it } from 'vitest'
import { createOracle, type Oracle } from './oracle.js'
import { callSites, sessionSites, spanSites } from './sites.js'

let oracle: Oracle
beforeAll(async () => {
  oracle = await createOracle()
})
afterAll(() => oracle.close())

/** A value with every name the library looks for, as getters that count how often they were read. */
function counted(): { value: object; reads: Map<string, number> } {
  const reads = new Map<string, number>()
  const names = ['a', 'error', 'eventId', 'metadata', 'inputs', 'attributes', 'sessionId', 'name', 'message', 'code', 'nested']
  const value = {}
  for (const name of names) {
    Object.defineProperty(value, name, {
      enumerable: true,
      get() {
        reads.set(name, (reads.get(name) ?? 0) + 1)
        return name === 'message' ? 'text' : undefined
      },
    })
  }
  return { value, reads }
}

// Options and payloads are records of ours; what is captured is the user's.
const captured = [...callSites, ...spanSites, ...sessionSites].filter(
  ({ name }) => !/options|payload|thrown|rejected|error|recordException/.test(name),
)

/** Sites that give the same value to several places at once. */
function placesOf(site: string): number {
  if (site === 'fixed buckets') return 6
  return /^(argument|two arguments|enrichSession (?!id))/.test(site) ? 2 : 1
}

it.each(captured.map((site) => [site.name, site] as const))(
  'H08 reads each getter of a captured value at most once: %s',
  async (_, site) => {
    const given: ReturnType<typeof counted>[] = []
    await oracle.run([site], () => {
      const made = counted()
      given.push(made)
      return made.value
    })
    for (const { reads } of given) expect(Math.max(0, ...reads.values())).toBeLessThanOrEqual(placesOf(site.name))
  },
)
