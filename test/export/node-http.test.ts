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
