import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { IS_LONG } from '../faults/long.js'
import { hostileErrors, hostileValues } from '../fixtures/hostile.js'
import { createOracle, type Oracle } from './oracle.js'
import { callSites, sessionSites, spanSites } from './sites.js'

/*
 * Every value of the corpus at every place where a user's value enters the library, judged by the standard oracle: same
 * result, nothing else thrown, neighbours delivered, books balanced, quick, prototypes and input unchanged, valid OTLP, no key.
 */
const corpus = [...hostileValues, ...hostileErrors.map((error) => ({ ...error, title: `thrown: ${error.title}` }))]
const cases = corpus.filter(({ heavy }) => IS_LONG || heavy !== true)
// Values without an end cost the full budget of a snapshot wherever they are given; the short run takes them to fewer places.
const ENDLESS = /million bits|endless Proxy|length 2\*\*32-1|billion laughs|length 4e9|nesting depth|1,000,000 keys|new object each time/
const FEW = new Set([
  'argument',
  'result',
  'thrown',
  'yielded',
  'enrichSpan payload',
  'enrichSpan metadata',
  'startSpan options',
  'startSpan links',
  'span.addLink context field',
  'span.addLinks',
  'span.setAttribute value',
  'otel startSpan attributes',
  'createEvent payload',
  'enrichSession id',
  'withSession metadata',
  'withSession sessionId',
  'injectContext',
  'withRemoteContext headers',
  'baggage',
  'explain',
])
// Promises and streams that nobody settles keep the span of the call that returned them open.
const MAY_STAY_OPEN = /^H(0[789]|1\d|3\d|4\d|59)$/

describe.each(['http/json', 'http/protobuf'] as const)('hostile values over %s', (protocol) => {
  let oracle: Oracle
  // Its open spans end whenever the collector finds them, which the books of the others must not show.
  let oracleOfUnsettled: Oracle
  beforeAll(async () => {
    oracle = await createOracle({ protocol })
    oracleOfUnsettled = await createOracle({ protocol })
  })
  afterAll(() => Promise.all([oracle.close(), oracleOfUnsettled.close()]))

  const groups =
    protocol === 'http/json'
      ? ([
          ['calls', callSites],
          ['spans', spanSites],
          ['sessions', sessionSites],
        ] as const)
      : ([['spans', [...callSites, ...spanSites]]] as const)
  for (const { id, title, make, heavy } of cases) {
    const isShort = !IS_LONG && ENDLESS.test(title)
    it.each(groups)(`${id} ${title}: %s`, async (_, sites) => {
      const mayStayOpen = MAY_STAY_OPEN.test(id)
      const options = { mayStayOpen, ...(heavy === true ? { limitMs: 4_000 } : {}) }
      const { complaints } = await (mayStayOpen ? oracleOfUnsettled : oracle).run(
        isShort ? sites.filter(({ name }) => FEW.has(name)) : sites,
        make,
        options,
      )
      expect(complaints).toEqual([])
    })
  }
})
