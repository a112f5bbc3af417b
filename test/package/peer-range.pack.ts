// The package beside the OpenTelemetry API and SDK that a user has already: the oldest and the newest of the promised range.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { entryPoints } from '../../scripts/entry-points.js'
import { evaluate, type Installed, installPackage, lendPackages, resolveTool, run } from './installed.js'

const hosts = [
  { api: '1.9.0', sdk: '@opentelemetry/sdk-trace-base', version: '2.0.0', provider: 'BasicTracerProvider', givesOptions: false },
  { api: '1.9.0', sdk: '@opentelemetry/sdk-trace-base', version: '2.12.0', provider: 'BasicTracerProvider', givesOptions: false },
  { api: '1.10.0', sdk: '@opentelemetry/sdk-trace', version: '3.1.1', provider: 'TracerProvider', givesOptions: true },
]

/** Options that take a part of the user's SDK, with a value for each. */
const OPTIONS: Readonly<Record<string, string>> = {
  sampler: 'new ParentBasedSampler({ root: new TraceIdRatioBasedSampler(1) })',
  exporter: 'new InMemorySpanExporter()',
  spanProcessors: '[simple, processor]',
  idGenerator: 'new RandomIdGenerator()',
  resource: "resourceFromAttributes({ 'service.version': '1' })",
  resourceDetectors: '[envDetector, detector]',
}

describe.for(hosts)('beside @opentelemetry/api $api and $sdk $version', ({ api, sdk, version, provider, givesOptions }) => {
  let installed: Installed

  beforeAll(async () => {
    installed = await installPackage([`@opentelemetry/api@${api}`, `${sdk}@${version}`, `@opentelemetry/resources@${version}`])
  })
  afterAll(() => installed.remove())

  test('installs under strict peer checks without a word, and nothing in the tree is invalid', async () => {
    // The SDK's own demand for a newer Node is not about peers.
    const said = installed.said
      .split('\n')
      .filter((line) => line !== '' && !line.includes('EBADENGINE') && !line.includes('install-scripts'))
    expect(said).toEqual([])
    const { code, stdout, stderr } = await run('npm', ['ls', '--all'], installed.folder)
    expect(stdout + stderr).not.toMatch(/invalid|UNMET DEPENDENCY|missing/i)
    expect(code).toBe(0)
  })

  test('works with the parts of that SDK, and leaves its provider alone', async () => {
    const simple = (exporter: string): string => `new SimpleSpanProcessor(${givesOptions ? `{ exporter: ${exporter} }` : exporter})`
    const recorded = await evaluate<Record<string, unknown>>(
      installed.folder,
      `import { createRequire } from 'node:module'
      import { trace } from '@opentelemetry/api'
      import { AlwaysOnSampler, ${provider}, InMemorySpanExporter, RandomIdGenerator, SimpleSpanProcessor, TraceIdRatioBasedSampler } from '${sdk}'
      import { resourceFromAttributes } from '@opentelemetry/resources'
      const host = new InMemorySpanExporter()
      trace.setGlobalTracerProvider(new ${provider}({ spanProcessors: [${simple('host')}] }))
      const copies = [await import('honeyhive-tracer'), createRequire(import.meta.url)('honeyhive-tracer')]
      const recorded = []
      for (const { HoneyHiveTracer } of copies) {
        const exporter = new InMemorySpanExporter()
        const common = { apiKey: 'test-key', serverUrl: 'http://127.0.0.1:9', skipSessionCreation: true, exporter }
        const processed = new InMemorySpanExporter()
        const tracer = HoneyHiveTracer.init({
          ...common,
          sampler: new AlwaysOnSampler(),
          spanProcessors: [${simple('processed')}],
          idGenerator: new RandomIdGenerator(),
          resource: resourceFromAttributes({ mine: 'resource' }),
          resourceDetectors: [{ detect: () => ({ attributes: { found: Promise.resolve('later') } }) }],
        })
        const silent = HoneyHiveTracer.init({ ...common, sampler: new TraceIdRatioBasedSampler(0) })
        tracer.startActiveSpan('ours', () => trace.getTracer('host').startSpan('theirs').end())
        silent.startActiveSpan('not sampled', () => undefined)
        await Promise.all([tracer.forceFlush(), silent.forceFlush()])
        for (const { name, resource } of [...exporter.getFinishedSpans(), ...processed.getFinishedSpans()])
          recorded.push([name, resource.attributes.mine, resource.attributes.found])
      }
      console.log(JSON.stringify({ ours: recorded, host: host.getFinishedSpans().map(({ name, parentSpanContext }) => [name, parentSpanContext ?? null]) }))
      process.exit(0)`,
    )
    // Exporter and processor, in both formats.
    expect(recorded['ours']).toEqual(Array.from({ length: 4 }, () => ['ours', 'resource', 'later']))
    expect(recorded['host']).toEqual([
      ['theirs', null],
      ['theirs', null],
    ])
  })

  test.for(['mts', 'cts'])('has types that take and give the parts of that SDK, in a .%s file', async (extension) => {
    await lendPackages(installed.folder, ['@types/node'])
    const [batch, simple] = givesOptions ? ['{ exporter: memory }', '{ exporter: memory }'] : ['memory', 'memory']
    const program = `
      import * as sdk from '${sdk}'
      import type { IdGenerator, ReadableSpan, Sampler, SamplingResult, SpanExporter, SpanProcessor } from '${sdk}'
      import { ${provider}, BatchSpanProcessor, InMemorySpanExporter, ParentBasedSampler, RandomIdGenerator, SamplingDecision, SimpleSpanProcessor, TraceIdRatioBasedSampler } from '${sdk}'
      import { envDetector, resourceFromAttributes, type Resource, type ResourceDetector } from '@opentelemetry/resources'
      import type { TracerOptions } from 'honeyhive-tracer'
      import type { TestTracer } from 'honeyhive-tracer/testing'
      ${entryPoints.some(({ name }) => name === 'otel') ? "import { HoneyHiveSpanProcessor } from 'honeyhive-tracer/otel'" : ''}
      class Mine implements Sampler {
        shouldSample(): SamplingResult { return { decision: SamplingDecision.RECORD_AND_SAMPLED } }
        toString(): string { return 'mine' }
      }
      class Keep implements SpanExporter {
        export(spans: ReadableSpan[], done: Parameters<SpanExporter['export']>[1]): void { done({ code: spans.length === 0 ? 1 : 0 }) }
        shutdown(): Promise<void> { return Promise.resolve() }
      }
      declare const memory: InMemorySpanExporter, detector: ResourceDetector, processor: SpanProcessor, generator: IdGenerator, kept: Resource
      const simple = new SimpleSpanProcessor(${simple})
      export const stock: TracerOptions = { ${Object.entries(OPTIONS)
        .map(([name, value]) => `${name}: ${value}`)
        .join(', ')} }
      export const own: TracerOptions = { sampler: new Mine(), exporter: new Keep(), idGenerator: generator, resource: kept }
      export function back({ spans }: TestTracer, taken: TracerOptions): void {
        const readable: readonly ReadableSpan[] = spans
        const sampler: Sampler | null | undefined = taken.sampler
        const exporter: SpanExporter | null | undefined | false = taken.exporter
        const resource: Resource | undefined = spans[0]?.resource
        memory.export([...spans], () => undefined)
        void [readable, sampler, exporter, resource, sdk]
      }
      export const provider = new ${provider}({ spanProcessors: [simple, new BatchSpanProcessor(${batch})${
        entryPoints.some(({ name }) => name === 'otel')
          ? ', new HoneyHiveSpanProcessor({} as ConstructorParameters<typeof HoneyHiveSpanProcessor>[0])'
          : ''
      }] })
      void [envDetector, resourceFromAttributes, ParentBasedSampler, TraceIdRatioBasedSampler, RandomIdGenerator, detector, processor]
    `
    await writeFile(join(installed.folder, `sdk.${extension}`), program)
    const flags = [
      '--noEmit',
      '--strict',
      '--exactOptionalPropertyTypes',
      '--skipLibCheck',
      'false',
      '--module',
      'nodenext',
      '--target',
      'es2022',
    ]
    const { code, stdout } = await run(
      process.execPath,
      [resolveTool('typescript/bin/tsc'), ...flags, '--lib', 'es2023,esnext.disposable', '--types', 'node', `sdk.${extension}`],
      installed.folder,
    )
    expect(code, stdout).toBe(0)
  })
})
