import { readdirSync, readFileSync } from 'node:fs'
import { describe, expect, test } from 'vitest'

interface LockedPackage {
  readonly version?: string
  readonly resolved?: string
  readonly license?: string
  readonly dev?: boolean
  readonly devOptional?: boolean
  readonly peer?: boolean
  readonly hasInstallScript?: boolean
  readonly optionalDependencies?: Readonly<Record<string, string>>
}
const read = (name: string): string => readFileSync(new URL(`../../${name}`, import.meta.url), 'utf8')
const packages = Object.entries((JSON.parse(read('package-lock.json')) as { packages: Record<string, LockedPackage> }).packages)
const atRunTime = packages.filter(
  ([path, { dev = false, devOptional = false, peer = false }]) => path !== '' && !dev && !devOptional && !peer,
)
const manifest = JSON.parse(read('package.json')) as Record<
  'dependencies' | 'devDependencies' | 'peerDependencies',
  Readonly<Record<string, string>>
>

const LICENCES = ['MIT', 'Apache-2.0', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause']

describe('what users install', () => {
  test('S23 runs no script at installation', () => {
    expect(atRunTime.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => path)).toEqual([])
  })

  test('S23 comes under a permissive licence, every package', () => {
    expect(atRunTime.map(([path]) => path)).toContain('node_modules/yaml')
    expect(
      atRunTime.filter(([, { license = 'none' }]) => !LICENCES.includes(license)).map(([path, { license }]) => `${path}: ${license}`),
    ).toEqual([])
  })

  test("S23 contains no package of OpenTelemetry but the API, which is the host's own", () => {
    const { dependencies, peerDependencies } = manifest
    expect([...Object.keys(dependencies), ...Object.keys(peerDependencies)].filter((name) => name.startsWith('@opentelemetry/'))).toEqual([
      '@opentelemetry/api',
    ])
    expect(atRunTime.map(([path]) => path).filter((path) => path.includes('@opentelemetry/') && !path.endsWith('/api'))).toEqual([])
    expect(packages.map(([path]) => path).filter((path) => path.endsWith('node_modules/@opentelemetry/api'))).toHaveLength(1)
  })

  test('S23 gets the parts of the SDK that are built in at one version, whose minor versions move together', () => {
    const files = readdirSync(new URL('../../src', import.meta.url), { recursive: true, encoding: 'utf8' }).filter((name) =>
      /\.ts$/.test(name),
    )
    const imported = new Set(
      files.flatMap((name) =>
        [...read(`src/${name}`).matchAll(/(?:from|import\()\s*'(@opentelemetry\/(?!api')[\w-]+)/g)].map(([, found = '']) => found),
      ),
    )
    expect(imported).toContain('@opentelemetry/otlp-transformer')
    expect([...imported].filter((name) => !/^\d/.test(manifest.devDependencies[name] ?? ''))).toEqual([])
  })
})

describe('the lock file', () => {
  test('names no registry', () => {
    expect(packages.filter(([, { resolved }]) => resolved !== undefined).map(([path]) => path)).toEqual([])
    expect(read('package-lock.json')).not.toMatch(/https?:\/\/[^"]*\.tgz/)
  })

  test('knows the optional packages of every platform, so that npm ci accepts it everywhere', () => {
    const known = new Set(packages.map(([path]) => path))
    const missing = packages.flatMap(([path, { optionalDependencies = {} }]) =>
      Object.keys(optionalDependencies).filter((name) => !known.has(`${path}/node_modules/${name}`) && !known.has(`node_modules/${name}`)),
    )
    expect(missing).toEqual([])
  })
})
