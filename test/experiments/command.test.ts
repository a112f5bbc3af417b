import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, symlink, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { describe, expect, test as base } from 'vitest'

interface Ended {
  readonly code: number
  readonly out: string
}

const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href

const test = base.extend<{ run: (...args: string[]) => Promise<Ended>; folder: string }>({
  folder: async ({}, use) => {
    const folder = await mkdtemp(join(tmpdir(), 'eval-'))
    await symlink(resolve('node_modules'), join(folder, 'node_modules'))
    const source = pathToFileURL(resolve('src/experiments/index.ts')).href
    await writeFile(
      join(folder, 'numbers.eval.ts'),
      `import { defineExperiment, exactMatch } from '${source}'
export const numbers = defineExperiment({
  name: 'numbers', git: false,
  dataset: Array.from({ length: 12 }, (_, i) => ({ inputs: { i }, groundTruth: i })),
  function: ({ inputs }) => (process.env.WRONG === 'yes' && inputs.i % 2 === 0 ? -1 : inputs.i),
  evaluators: { match: exactMatch() }, thresholds: { match: 0.1 },
})
`,
    )
    await writeFile(join(folder, 'nothing.eval.ts'), 'export const other = 1\n')
    await use(folder)
    await rm(folder, { recursive: true })
  },
  run: async ({ folder }, use) => {
    const { HH_API_KEY: _key, ...env } = process.env
    await use(
      (...args) =>
        new Promise((done) => {
          const [wrong, rest] = args[0] === 'WRONG' ? ['yes', args.slice(1)] : ['no', args]
          execFile(
            process.execPath,
            ['--import', tsx, resolve('src/cli/main.ts'), 'eval', ...rest],
            { cwd: folder, env: { ...env, WRONG: wrong, NO_COLOR: '1' } },
            (error, stdout, stderr) => done({ code: error === null ? 0 : Number(error.code), out: stdout + stderr }),
          )
        }),
    )
  },
})

describe('eval', () => {
  test('gates by a baseline file, and runs only the rows that did not pass there', async ({ run, folder }) => {
    expect(await run('numbers.eval.ts', '--reporter', 'json=good.json')).toMatchObject({ code: 0 })
    const worse = await run('WRONG', 'numbers.eval.ts', '--baseline', 'good.json', '--reporter', 'json=bad.json')
    expect(worse.code).toBe(1)
    expect(worse.out).toContain('not passed numbers: match: worse than the baseline, 1 to 0.5')
    const failed = await run('numbers.eval.ts', '--baseline', 'bad.json', '--failed', '--reporter', 'json=again.json')
    expect(failed.code).toBe(0)
    const again = JSON.parse(await readFile(join(folder, 'again.json'), 'utf8')) as { rows: { index: number }[]; warnings: string[] }
    expect(again.rows.map(({ index }) => index)).toEqual([0, 2, 4, 6, 8, 10])
    expect((await run('numbers.eval.ts', '--baseline', 'none.json')).out).toContain('none.json could not be read as a result')
  })

  test('shards, first rows and trials; merge judges the whole and refuses a hole', async ({ run, folder }) => {
    const runId = '6f6b3f3e-6c3c-4d55-9d28-4a2f6f6ab0c1'
    for (const part of [1, 2])
      await run('numbers.eval.ts', '--shard', `${part}/2`, '--run-id', runId, '--reporter', `json=part-${part}.json`)
    expect(await run('merge', 'part-1.json', 'part-2.json', '--reporter', 'json=whole.json')).toMatchObject({ code: 0 })
    expect(JSON.parse(await readFile(join(folder, 'whole.json'), 'utf8'))).toMatchObject({ passed: true, counts: { total: 12 } })
    const holed = await run('merge', 'part-1.json')
    expect(holed.code).not.toBe(0)
    expect(holed.out).toContain('Shards are missing: 1/2')
    expect(await run('merge', 'part-1.json', '--allow', 'holes')).toMatchObject({ code: 0 })
    await run('numbers.eval.ts', '--first', '2', '--trials', '3', '--reporter', 'json=few.json')
    expect(JSON.parse(await readFile(join(folder, 'few.json'), 'utf8'))).toMatchObject({ counts: { total: 6 }, trials: 3, selectedRows: 2 })
  })

  test('writes reports into files whose names hold an equals sign, and refuses one that is not named', async ({ run, folder }) => {
    expect(await run('numbers.eval.ts', '--reporter', 'json=run=1.json')).toMatchObject({ code: 0 })
    expect(JSON.parse(await readFile(join(folder, 'run=1.json'), 'utf8'))).toMatchObject({ name: 'numbers' })
    const unnamed = await run('numbers.eval.ts', '--reporter', 'json=')
    expect(unnamed).toMatchObject({ code: 2, out: expect.stringContaining('Name a file after "json="') })
    expect(await run('numbers.eval.ts', '--shard', '1/2/3')).toMatchObject({ code: 2 })
  })

  test('a file that was named and is not there fails, named or linked ones run', async ({ run, folder }) => {
    await symlink('numbers.eval.ts', join(folder, 'link.eval.ts'))
    const linked = await run('WRONG', 'link.eval.ts', '--reporter', 'junit=a.xml')
    expect(linked.out).toContain('1 of 1 experiments')
    const missing = await run('numbers.eval.ts', 'gone.eval.ts', '--reporter', 'junit=a.xml')
    expect(missing).toMatchObject({ code: 1, out: expect.stringContaining('No file matches "gone.eval.ts".') })
    expect(missing.out).toContain('not passed: 1 of 1 experiments')
  })

  test('a file without an experiment fails, and a report needs a key', async ({ run }) => {
    const nothing = await run('nothing.eval.ts', 'numbers.eval.ts')
    expect(nothing.code).toBe(1)
    expect(nothing.out).toContain('exports no experiment')
    await run('numbers.eval.ts', '--reporter', 'json=good.json')
    const report = await run('report', 'good.json')
    expect(report.code).not.toBe(0)
    expect(report.out).toContain('needs an API key')
  })
})
