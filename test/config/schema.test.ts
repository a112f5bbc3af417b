import { execFileSync } from 'node:child_process'
import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, expectTypeOf, it } from 'vitest'
import type { BatchOptions, TracerOptions } from '../../src/config/options.js'
import { OPTIONS } from '../../src/config/schema.js'
import { ROWS } from './rows.js'

const CODE_ONLY = [
  'agent',
  'linkCarrier',
  'resource',
  'resourceDetectors',
  'sampler',
  'instrumentations',
  'spanProcessors',
  'idGenerator',
  'meterProvider',
  'exporter',
  'fetch',
  'logger',
  'onDrop',
]

const file = new URL('../../schema/tracers.schema.json', import.meta.url)

interface ObjectSchema {
  readonly properties: Readonly<Record<string, ObjectSchema & { readonly default?: unknown; readonly description?: string }>>
}

function readSchema(): { readonly $defs: { readonly options: ObjectSchema } } {
  return JSON.parse(readFileSync(file, 'utf8'))
}

describe('OPTIONS', () => {
  it('has a row in the table of tests for every option', () => {
    const names = Object.entries(OPTIONS).flatMap(([name, spec]) =>
      'members' in spec && spec.other === undefined ? Object.keys(spec.members).map((member) => `${name}.${member}`) : [name],
    )
    expect(ROWS.map((row) => row.option)).toEqual(names)
  })

  it('types what users pass', () => {
    expectTypeOf({
      apiKey: 'k',
      batch: { concurrency: 2 },
      redact: { keys: [/a/] },
      spanFilter: (name: string) => name !== 'x',
    }).toExtend<TracerOptions>()
    expectTypeOf({ apiKey: null, batch: null, source: undefined }).toExtend<TracerOptions>()
    expectTypeOf({ apiKey: 42 }).not.toExtend<TracerOptions>()
    expectTypeOf({ protocol: 'grpc' as const }).not.toExtend<TracerOptions>()
    expectTypeOf<BatchOptions['maxQueueSize']>().toEqualTypeOf<number | null | undefined>()
  })
})

describe('schema/tracers.schema.json', () => {
  it('is what the script writes from the options', () => {
    const script = fileURLToPath(new URL('../../scripts/build-schema.mjs', import.meta.url))
    expect(() => execFileSync(process.execPath, [script, '--check'], { stdio: 'pipe' })).not.toThrow()
  })

  it('has every option a file can hold, in both spellings, with text and default', () => {
    const { properties } = readSchema().$defs.options
    const names = Object.keys(OPTIONS).filter((name) => !CODE_ONLY.includes(name))
    const snake = names.map((name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`))
    expect(Object.keys(properties).sort()).toEqual([...new Set([...names, ...snake])].sort())
    expect(names.filter((name) => !properties[name]?.description)).toEqual([])
    expect(properties['batch']?.properties['maxQueueSize']?.default).toBe(50_000)
    expect(properties['batch']?.properties['max_queue_size']).toBeDefined()
    expect(properties['source']?.default).toBe('dev')
  })
})
