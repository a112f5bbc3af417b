import { readFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { describe, expect, test } from 'vitest'
import { entryPoints } from '../../scripts/entry-points.js'

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

  test('belong to the entry points of the manifest, which names the files of each', () => {
    const modules = Object.entries(manifest.exports).filter(([, target]) => typeof target !== 'string')
    const expected = entryPoints.map(({ key, name }) => [
      key,
      {
        import: { types: `./dist/${name}.d.ts`, default: `./dist/${name}.js` },
        require: { types: `./dist/${name}.d.cts`, default: `./dist/${name}.cjs` },
      },
    ])
    expect(modules).toEqual(expected)
  })
})
