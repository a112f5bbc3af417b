import { describe, expect, it } from 'vitest'
import { resolveConfig } from '../../src/config/resolve.js'
import { readEnvironment } from '../../src/config/sources.js'

describe('readEnvironment', () => {
  it.each(['true', '1', 'yes', 'on', 'enabled', ' TRUE ', 'Yes'])('H80 reads %j as true', (text) => {
    expect(readEnvironment({ HH_VERBOSE: text })).toEqual({ values: { verbose: true }, warnings: [], unreadable: [] })
  })

  it.each(['false', '0', 'no', 'off', 'disabled', '', ' ', 'OFF'])('H80 reads %j as false', (text) => {
    expect(readEnvironment({ HH_VERBOSE: text })).toEqual({ values: { verbose: false }, warnings: [], unreadable: [] })
  })

  it.each(['undefined', 'null', 'NULL', ' undefined '])('H80 takes %j for a mistake of whoever set it', (text) => {
    const { values, warnings } = readEnvironment({ HH_API_KEY: text, HH_PROJECT: text })
    expect(values).toEqual({})
    expect(warnings).toEqual([expect.stringContaining('from HH_API_KEY.'), expect.stringContaining('from HH_PROJECT.')])
  })

  it('H80 treats blank text and numbers as not set', () => {
    expect(readEnvironment({ HH_SOURCE: ' ', HH_SAMPLE_RATE: '', HH_API_URL: '' })).toEqual({ values: {}, warnings: [], unreadable: [] })
  })

  it.each(['0x10', '1e999', 'NaN', 'Infinity', '-5', '10 MB', '1,5'])('H78 ignores %j for a number', (text) => {
    const { values, warnings } = readEnvironment({ HH_MAX_EVENTS: text })
    expect(values).toEqual({})
    expect(warnings).toEqual([
      `Invalid "limits.maxEvents": expected zero or a positive integer, got ${JSON.stringify(text)} from HH_MAX_EVENTS. Give a number of events, e.g. 1024. The variable is ignored.`,
    ])
  })

  it('H80 removes quotes around a value and says so', () => {
    const { values, warnings } = readEnvironment({ HH_API_KEY: '"sentinel-9f31c2a7"', HH_SOURCE: "'prod'", HH_PROJECT: '"open' })
    expect(values).toEqual({ apiKey: 'sentinel-9f31c2a7', source: 'prod', project: '"open' })
    expect(warnings).toEqual([
      'HH_API_KEY is wrapped in quotes, which were removed. Write the value without them.',
      'HH_SOURCE is wrapped in quotes, which were removed. Write the value without them.',
    ])
  })

  it('D-31 H79 reads nothing but its own names', () => {
    const hostile = {
      SESSION_ID: 'x',
      SESSION_NAME: 'x',
      RUN_ID: 'x',
      INPUTS: '{}',
      hh_api_key: 'x',
      OTEL_SDK_DISABLED: 'true',
      OTEL_TRACES_SAMPLER: 'always_off',
      OTEL_BSP_MAX_QUEUE_SIZE: '0',
      OTEL_EXPORTER_OTLP_HEADERS: 'authorization=x',
      OTEL_EXPORTER_OTLP_ENDPOINT: 'https://elsewhere.example',
      OTEL_EXPORTER_OTLP_TIMEOUT: '1',
      OTEL_SPAN_ATTRIBUTE_COUNT_LIMIT: '1',
    }
    expect(readEnvironment(hostile)).toEqual({ values: {}, warnings: [], unreadable: [] })
    expect(resolveConfig({}, hostile)).toEqual(resolveConfig({}, {}))
  })

  it('H79 reads resource attributes, the service name and code in rising order', () => {
    const env = { OTEL_RESOURCE_ATTRIBUTES: 'service.name=a, team=t%2C1 ,x=', OTEL_SERVICE_NAME: 'b' }
    expect(resolveConfig({}, env).resourceAttributes).toEqual({ 'service.name': 'b', team: 't,1', x: '' })
    expect(resolveConfig({ resourceAttributes: { 'service.name': 'c' } }, env).resourceAttributes).toEqual({
      'service.name': 'c',
      team: 't,1',
      x: '',
    })
  })

  it.each(['broken', 'a=1,broken', '=x', 'a=%zz'])('H79 ignores malformed resource attributes: %j', (text) => {
    const config = resolveConfig({}, { OTEL_RESOURCE_ATTRIBUTES: text, OTEL_SERVICE_NAME: 'kept' })
    expect(config.resourceAttributes).toEqual({ 'service.name': 'kept' })
    expect(config.warnings).toEqual([
      'Invalid OTEL_RESOURCE_ATTRIBUTES: expected key=value pairs joined by commas, percent-encoded. The variable is ignored.',
    ])
  })

  it('sees a change of the environment at once', () => {
    const env: Record<string, string> = { HH_SOURCE: 'a' }
    expect(readEnvironment(env).values).toEqual({ source: 'a' })
    env['HH_SOURCE'] = 'b'
    expect(readEnvironment(env).values).toEqual({ source: 'b' })
  })
})
