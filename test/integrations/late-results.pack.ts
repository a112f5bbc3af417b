import { execFile } from 'node:child_process'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { beforeAll, describe, expect, test } from 'vitest'
import { installGroups } from '../fixtures/group-install.js'

interface Seen {
  readonly isSame: boolean
  readonly hasSameKeys: boolean
  readonly got: unknown
  readonly status: number | undefined
  readonly error: string | undefined
  readonly chunks: number | undefined
  readonly outputs: Readonly<Record<string, unknown>>
  readonly tree: unknown
}

const execute = promisify(execFile)
const wanted = process.env['ROWS'] ?? ''
const program = join(import.meta.dirname, 'late-results', 'ai-sdk.mjs')
const versions = ['ai-sdk-5', 'ai-sdk-6', 'ai-sdk-7'].filter(
  (folder) => `late-results/${folder}`.startsWith(wanted) || folder.startsWith(wanted),
)

async function run(cwd: string): Promise<{ seen: Readonly<Record<string, Seen>>; open: number; said: string }> {
  const { stdout, stderr } = await execute(process.execPath, ['--experimental-import-meta-resolve', program], { cwd, timeout: 120_000 })
  return { ...(JSON.parse(stdout) as { seen: Readonly<Record<string, Seen>>; open: number }), said: stderr }
}

describe.each(versions)('results of %s that complete later', (folder) => {
  const cwd = join(import.meta.dirname, folder)
  let seen: Readonly<Record<string, Seen>> = {}
  let open: number | undefined

  beforeAll(async () => {
    await installGroups([{ folder: cwd }])
    ;({ seen, open } = await run(cwd))
  })

  const of = (way: string): Seen => seen[way] as Seen

  test('are the very same objects, and every span has ended', () => {
    expect(Object.entries(seen).filter(([, { isSame, hasSameKeys }]) => !isSame || !hasSameKeys)).toEqual([])
    expect(open).toBe(0)
  })

  test.each(['textStream', 'fullStream', 'text', 'promises', 'consumeStream', 'textResponse', 'pageResponse', 'halves', 'inPromise'])(
    'read by %s',
    (way) => {
      expect(of(way)).toMatchObject({
        status: 0,
        outputs: { 'honeyhive_outputs.result.content': 'the final text', 'honeyhive_outputs.result.finish_reason': 'stop' },
        chunks: expect.any(Number),
      })
      expect(Object.keys(of(way).outputs).filter((key) => /_totalUsage|baseStream|status/.test(key))).toEqual([])
    },
  )

  test('read no further than the first piece, and in a field of another object', () => {
    expect(of('early')).toMatchObject({ got: 'the final ', status: 0, outputs: { 'honeyhive_outputs.result.content': 'the final ' } })
    expect(of('inField')).toMatchObject({ status: 0, outputs: { 'honeyhive_outputs.result.result.content': 'the final text' } })
  })

  test('that call tools hold their spans', () => {
    expect(of('tools')).toMatchObject({
      tree: [{ name: 'ask', children: [{ name: 'add' }] }],
      outputs: {
        'honeyhive_outputs.result.content': 'two',
        'honeyhive_outputs.result.tool_calls.0.name': 'add',
        'honeyhive_outputs.result.tool_results.0.content': 2,
      },
    })
  })

  test.each(['partialObjects', 'objectText'])('of objects, read by %s', (way) => {
    expect(of(way)).toMatchObject({
      status: 0,
      outputs: { 'honeyhive_outputs.result.content.a': 1, 'honeyhive_outputs.result.content.b': 'x' },
    })
  })

  test('that fail are failed spans, also where the SDK throws nothing', () => {
    expect(of('failing')).toMatchObject({ got: [], status: 2, error: 'model is down' })
    expect(of('failingPromise')).toMatchObject({ got: 'rejected', status: 2, error: 'model is down' })
  })
})
