import { readFileSync } from 'node:fs'
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

const LICENCES = ['MIT', 'Apache-2.0', 'ISC', 'BSD-2-Clause', 'BSD-3-Clause']

describe('what users install', () => {
  test('S23 runs no script at installation', () => {
    expect(atRunTime.filter(([, { hasInstallScript }]) => hasInstallScript).map(([path]) => path)).toEqual([])
  })

  test('S23 comes under a permissive licence, every package', () => {
    expect(atRunTime.length).toBeGreaterThan(5)
    expect(
      atRunTime.filter(([, { license = 'none' }]) => !LICENCES.includes(license)).map(([path, { license }]) => `${path}: ${license}`),
    ).toEqual([])
  })

  test('S23 contains each OpenTelemetry package once', () => {
    const names = packages.map(([path]) => path).filter((path) => path.includes('node_modules/@opentelemetry/api'))
    expect(names.filter((path) => path.endsWith('/api'))).toEqual(['node_modules/@opentelemetry/api'])
    const nested = atRunTime.map(([path]) => path).filter((path) => /node_modules\/.+\/node_modules\/@opentelemetry\//.test(path))
    expect(nested).toEqual([])
  })

  test('S23 pins the OpenTelemetry SDK, whose minor versions move together', () => {
    const { dependencies } = JSON.parse(read('package.json')) as { dependencies: Record<string, string> }
    const loose = Object.entries(dependencies).filter(([name, range]) => name.startsWith('@opentelemetry/') && !/^\d/.test(range))
    expect(loose).toEqual([])
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
