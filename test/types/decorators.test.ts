import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import path from 'node:path'
import { promisify } from 'node:util'
import * as swc from '@swc/core'
import { build, transform } from 'esbuild'
import ts from 'typescript'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'

const run = promisify(execFile)
type Standard = 'standard' | 'legacy'

const compilers: Record<string, (source: string, standard: Standard) => Promise<string>> = {
  tsc: async (source, standard) =>
    ts.transpileModule(source, {
      compilerOptions: { target: ts.ScriptTarget.ES2022, module: ts.ModuleKind.ESNext, experimentalDecorators: standard === 'legacy' },
    }).outputText,
  esbuild: async (source, standard) =>
    (
      await transform(source, {
        loader: 'ts',
        target: 'es2022',
        keepNames: true,
        tsconfigRaw: { compilerOptions: { experimentalDecorators: standard === 'legacy' } },
      })
    ).code,
  swc: async (source, standard) =>
    (
      await swc.transform(source, {
        swcrc: false,
        configFile: false,
        jsc: {
          target: 'es2022',
          parser: { syntax: 'typescript', decorators: true },
          transform: standard === 'legacy' ? { legacyDecorator: true } : { decoratorVersion: '2022-03' },
        },
        module: { type: 'es6' },
      })
    ).code,
}

/** Legacy decorators cannot stand on private methods, so that one call is not recorded there. */
const expectedRecords = (standard: Standard): unknown[] => [
  ['Api.make', 'object'],
  ['Api.times', 6],
  ['answer', 'hi!'],
  ...(standard === 'standard' ? [['Api.#hidden', 42]] : []),
  ['Api.sum', 42],
  ['Api.[key]', 'sym'],
  ['Api.items', { result: [5], returned: 'done' }],
  ['Api.pick', 1],
  ['Api.same', 'x'],
  ['Api.stream', 'ab'],
  ['Api.times', 6],
  ['Sub.times', 7],
  ['Agent.create', 'object'],
  ['Agent.run', 2],
  ['ask', 4],
  ['score', 2],
]
const expectedResults = [true, 6, 'hi!', 42, 'sym', [5], 1, 'x', ['a', 'b'], 7, 2, 3, 'view', 1, 1, 'Agent', 4, 2]

describe('H69: decorators compiled by each compiler, in both standards', () => {
  let dir = ''
  beforeAll(async () => {
    dir = await mkdtemp(path.join(tmpdir(), 'decorators-'))
    const tracing = path.resolve('test/types/fixtures/tracing.ts')
    await build({ entryPoints: [tracing], bundle: true, platform: 'node', format: 'esm', outfile: path.join(dir, 'tracing.mjs') })
  })
  afterAll(() => rm(dir, { recursive: true, force: true }))

  const cases = Object.keys(compilers).flatMap((compiler) =>
    (['standard', 'legacy'] as const).map((standard) => [compiler, standard] as const),
  )
  it.each(cases)('%s, %s: the same names and results', async (compiler, standard) => {
    const source = await readFile(path.resolve('test/types', standard, 'decorate.ts'), 'utf8')
    const compiled = (await compilers[compiler]?.(source, standard)) ?? ''
    const outfile = path.join(dir, `${compiler}-${standard}.mjs`)
    await writeFile(outfile, compiled.replace('../fixtures/tracing.js', './tracing.mjs'))
    const { stdout } = await run(process.execPath, [outfile])
    expect(JSON.parse(stdout)).toEqual({ recorded: expectedRecords(standard), results: expectedResults })
  })

  it.each(['standard', 'legacy'])(
    'the fixture type-checks under %s decorators, errors included where they are expected',
    async (standard) => {
      const config = path.resolve('test/types', standard, 'tsconfig.json')
      const tsc = path.resolve('node_modules/typescript/bin/tsc')
      const output = await run(process.execPath, [tsc, '-p', config, '--noEmit', '--pretty', 'false']).then(
        ({ stdout }) => stdout,
        (error: { stdout: string }) => error.stdout,
      )
      expect(output.split('\n').filter((line) => line.includes('test/types/'))).toEqual([])
    },
  )
})
