import { readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'
import { describeRemedy, findInstrumentors, INSTRUMENTORS, type Instrumentor, writeLine } from '../../src/cli/instrumentors.js'

const page = readFileSync(new URL('../../docs/integrations/es-modules.md', import.meta.url), 'utf8')

/** A row of the page. */
function toRow(instrumentor: Instrumentor): string {
  const { library, name, nothing, broken, manual } = instrumentor
  const line = writeLine(instrumentor)
  const how =
    nothing !== undefined
      ? `nothing: ${nothing}`
      : broken !== undefined
        ? `does not work: ${broken}`
        : manual !== undefined
          ? 'by hand'
          : line !== undefined
            ? 'loader hook'
            : 'order'
  return `| \`${library}\` | \`${name}\` | ${how} | ${line === undefined ? '' : `\`${line}\``} |`
}

describe('the table of instrumentors', () => {
  test('stands in the documentation, row by row', () => {
    expect(page.split('\n').filter((line) => /^\| `[^`]+` \| `@/.test(line))).toEqual(INSTRUMENTORS.map(toRow))
  })

  test('names the line of each row that needs one', () => {
    for (const row of INSTRUMENTORS) {
      const line = writeLine(row)
      if (line !== undefined) expect(describeRemedy(row)).toContain(`\`${line}\``)
      if (row.broken !== undefined) expect(describeRemedy(row)).toContain(row.broken)
    }
  })

  test('has what one of another maker might patch, by the name of the library', () => {
    expect(findInstrumentors('@traceloop/instrumentation-openai').map(({ name }) => name)).toEqual(['@traceloop/instrumentation-openai'])
    expect(new Set(findInstrumentors('@some/instrumentation-openai').map(({ library }) => library))).toEqual(new Set(['openai']))
    expect(findInstrumentors('@some/instrumentation-unheard-of')).toEqual([])
    expect(findInstrumentors('express')).toEqual([])
  })
})
