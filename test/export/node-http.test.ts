import { execFileSync } from 'node:child_process'
import { expect, test } from 'vitest'

/** What loading `specifier` loads of Node itself. */
function loadedWith(specifier: string): string[] {
  const script = `const before = new Set(process.moduleLoadList)
    await import(${JSON.stringify(specifier)})
    console.log(JSON.stringify(process.moduleLoadList.filter((name) => !before.has(name))))`
  return JSON.parse(
    execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], { encoding: 'utf8' }),
  ) as string[]
}

const UNDICI = 'NativeModule internal/deps/undici/undici'

test('the package loads what it sends with, and not what an import of it would load besides', () => {
  const loaded = loadedWith('./src/index.ts')
  expect(loaded).toContain('NativeModule http')
  expect(loaded).not.toContain(UNDICI)
  // The control: since Node 22 the import alone brings it.
  expect(loadedWith('node:http').includes(UNDICI)).toBe(Number(process.versions.node.split('.')[0]) >= 22)
})

test('classes are those that everybody else has', async () => {
  const [ours, http, https] = await Promise.all([import('../../src/export/node-http.js'), import('node:http'), import('node:https')])
  expect(ours).toMatchObject({ HttpAgent: http.Agent, HttpsAgent: https.Agent, ClientRequest: http.ClientRequest })
})

test('loading the package does not make an instrumentation of the host begin: what it listens to is not asked', () => {
  const script = `
    import { registerInstrumentations } from '@opentelemetry/instrumentation'
    import { HttpInstrumentation } from '@opentelemetry/instrumentation-http'
    import { createRequire } from 'node:module'
    registerInstrumentations({ instrumentations: [new HttpInstrumentation()] })
    await import('./src/index.ts')
    const { default: http } = await import('node:http')
    const isInstrumented = () => http.request.__wrapped === true
    const withUs = isInstrumented()
    createRequire(import.meta.url)('node:http')
    console.log(JSON.stringify({ withUs, control: isInstrumented() }))`
  const output = execFileSync(process.execPath, ['--import', 'tsx', '--input-type=module', '-e', script], { encoding: 'utf8' })
  expect(JSON.parse(output)).toEqual({ withUs: false, control: true })
})
