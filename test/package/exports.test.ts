import { existsSync, readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { entryPoints } from './entry-points.js'

interface Manifest {
  readonly exports: Record<string, string | Record<string, unknown>>
}
const manifest = JSON.parse(readFileSync(new URL('../../package.json', import.meta.url), 'utf8')) as Manifest

describe('the exported names', () => {
  for (const { specifier, file } of entryPoints) {
    test(`of ${specifier} change only on purpose`, async () => {
      const url = new URL(`../../${file}`, import.meta.url)
      const names = Object.keys((await import(fileURLToPath(url))) as object)
      expect(names.toSorted()).toMatchSnapshot()
      expect(names).not.toContain('default')
    })
  }

  test('belong to entry points that exist, every one of them', () => {
    expect(entryPoints.map(({ specifier }) => specifier)).toEqual(
      Object.entries(manifest.exports)
        .filter(([, target]) => typeof target !== 'string')
        .map(([key]) => key.replace('.', 'honeyhive-tracer')),
    )
    expect(entryPoints.filter(({ file }) => !existsSync(new URL(`../../${file}`, import.meta.url)))).toEqual([])
  })
})
