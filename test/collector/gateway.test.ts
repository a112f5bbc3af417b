import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { HoneyHiveTracer } from 'honeyhive-tracer'
import { type DevServer, startDevServer } from 'honeyhive-tracer/dev'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { parse, parseAllDocuments } from 'yaml'
import { type Collector, CONFIG, findPort, startCollector, until } from './collector.js'

const TENANTS = ['acme', 'globex']
const binary = process.env['OTELCOL']
if (binary === undefined)
  console.log('OTELCOL is not set: the files are checked, the collector itself is not. See examples/collector/README.md.')

interface Gateway {
  readonly extensions: { bearertokenauth: { tokens: string[] } }
  readonly connectors: { routing: { table: { condition: string; pipelines: string[] }[] } }
  readonly exporters: Record<string, { headers: Record<string, string>; sending_queue: { storage: string } }>
  readonly service: { pipelines: Record<string, { receivers: string[]; processors?: string[]; exporters: string[] }> }
}

describe('gateway.yaml', () => {
  test('gives each tenant a token, a route, a pipeline, a queue on disk and a key that nobody else has', async () => {
    const { extensions, connectors, exporters, service } = parse(await readFile(CONFIG, 'utf8'), { merge: true }) as Gateway
    expect(Object.keys(exporters)).toEqual(TENANTS.map((tenant) => `otlphttp/${tenant}`))
    for (const [i, tenant] of TENANTS.entries()) {
      const token = `\${env:GATEWAY_TOKEN_${tenant.toUpperCase()}}`
      expect(extensions.bearertokenauth.tokens[i]).toBe(token)
      expect(connectors.routing.table[i]).toMatchObject({
        condition: `request["authorization"] == "Bearer ${token}"`,
        pipelines: [`traces/${tenant}`],
      })
      expect(service.pipelines[`traces/${tenant}`]).toEqual({ receivers: ['routing'], exporters: [`otlphttp/${tenant}`] })
      expect(exporters[`otlphttp/${tenant}`]).toMatchObject({
        headers: { authorization: `Bearer \${env:HH_API_KEY_${tenant.toUpperCase()}}` },
        sending_queue: { storage: 'file_storage' },
      })
    }
  })

  test('is what the Kubernetes manifests mount, with every secret from a Secret and the queue on a volume', async () => {
    const folder = join(CONFIG, '..')
    const { configMapGenerator } = parse(await readFile(join(folder, 'kustomization.yaml'), 'utf8')) as {
      configMapGenerator: { name: string; files: string[] }[]
    }
    expect(configMapGenerator).toEqual([{ name: 'honeyhive-gateway', files: ['gateway.yaml'] }])
    const text = await readFile(join(folder, 'kubernetes.yaml'), 'utf8')
    const kinds = parseAllDocuments(text).map((document) => (document.toJS() as { kind: string }).kind)
    expect(kinds).toEqual(['Namespace', 'Service', 'StatefulSet', 'PodDisruptionBudget'])
    expect(text).toContain('secretRef: { name: honeyhive-gateway }')
    expect(text).toContain('mountPath: /var/lib/otelcol')
  })
})

describe.runIf(binary !== undefined)('a real collector with gateway.yaml', () => {
  let directory: string
  let server: DevServer
  let collector: Collector
  let serverPort: number
  let gatewayPort: number

  const startServer = (): Promise<DevServer> =>
    startDevServer({ port: serverPort, database: join(directory, 'dev.db'), projects: { acme: 'key-of-acme', globex: 'key-of-globex' } })
  const variables = (): Record<string, string> => ({
    HONEYHIVE_URL: `http://127.0.0.1:${serverPort}`,
    QUEUE_DIRECTORY: join(directory, 'queue'),
    GATEWAY_TOKEN_ACME: 'token-of-acme',
    GATEWAY_TOKEN_GLOBEX: 'token-of-globex',
    HH_API_KEY_ACME: 'key-of-acme',
    HH_API_KEY_GLOBEX: 'key-of-globex',
  })
  const init = (tenant: string): HoneyHiveTracer =>
    HoneyHiveTracer.init({
      apiKey: `token-of-${tenant}`,
      serverUrl: `http://127.0.0.1:${gatewayPort}`,
      skipSessionCreation: true,
      sessionName: `session of ${tenant}`,
    })
  const record = (tracer: HoneyHiveTracer, name: string, count: number): void => {
    for (let i = 0; i < count; i++) tracer.startActiveSpan(`${name}-${i}`, () => i)
  }
  const namesIn = (project: string): string[] => [
    ...new Set(
      server
        .events({ project })
        .filter(({ type }) => type !== 'session')
        .map(({ name }) => name),
    ),
  ]

  beforeAll(async () => {
    directory = await mkdtemp(join(tmpdir(), 'honeyhive-collector-'))
    serverPort = await findPort()
    gatewayPort = await findPort()
    server = await startServer()
    collector = await startCollector(String(binary), gatewayPort, variables())
  })

  afterAll(async () => {
    await collector.kill()
    await server.close()
    await rm(directory, { recursive: true, force: true })
  })

  test('accepts the configuration', async () => {
    const { stderr } = await promisify(execFile)(String(binary), ['validate', '--config', CONFIG], { env: variables() })
    expect(stderr).not.toMatch(/error/i)
  })

  test('keeps tenants apart and makes their sessions', async () => {
    await using acme = init('acme')
    await using globex = init('globex')
    record(acme, 'apart-acme', 50)
    record(globex, 'apart-globex', 50)
    expect(await Promise.all([acme.forceFlush(), globex.forceFlush()])).toEqual([true, true])
    await until(() => namesIn('acme').length >= 50 && namesIn('globex').length >= 50)
    for (const tenant of TENANTS) {
      expect(namesIn(tenant).every((name) => name.startsWith(`apart-${tenant}-`))).toBe(true)
      expect(server.sessions({ project: tenant }).map(({ name }) => name)).toEqual([`session of ${tenant}`])
    }
    expect(JSON.stringify(server.events())).not.toContain('key-of-')
  })

  test('refuses an unknown token, and the tracer counts the loss', async () => {
    await using stranger = init('nobody')
    record(stranger, 'stranger', 5)
    expect(await stranger.forceFlush()).toBe(false)
    expect(stranger.stats()).toMatchObject({ exported: 0, dropped: { httpStatus: 5 } })
    expect(
      server
        .projects()
        .map(({ name }) => name)
        .sort(),
    ).toEqual(TENANTS)
  })

  test('loses nothing when it is killed while the server is away', async () => {
    await using acme = init('acme')
    await using globex = init('globex')
    const tracers = [acme, globex] as const
    const before = TENANTS.map((tenant) => namesIn(tenant).length)

    await server.close()
    for (const [i, tracer] of tracers.entries()) record(tracer, `away-${TENANTS[i]}`, 40)
    expect(await Promise.all(tracers.map((tracer) => tracer.forceFlush()))).toEqual([true, true])

    await collector.kill()
    for (const [i, tracer] of tracers.entries()) record(tracer, `down-${TENANTS[i]}`, 20)
    await until(() => tracers.every((tracer) => tracer.stats().lastError !== undefined))

    server = await startServer()
    collector = await startCollector(String(binary), gatewayPort, variables())
    expect(await Promise.all(tracers.map((tracer) => tracer.forceFlush()))).toEqual([true, true])
    await until(() => TENANTS.every((tenant, i) => namesIn(tenant).length >= (before[i] ?? 0) + 60))

    for (const [i, tenant] of TENANTS.entries()) {
      const names = namesIn(tenant)
      expect(names.filter((name) => name.startsWith(`away-${tenant}-`)).length).toBe(40)
      expect(names.filter((name) => name.startsWith(`down-${tenant}-`)).length).toBe(20)
      expect(names.filter((name) => !name.includes(`-${tenant}-`))).toEqual([])
      expect(tracers[i]?.stats()).toMatchObject({ started: 60, exported: 60, pending: 0 })
    }
  })
})
