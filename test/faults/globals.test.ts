import { spawn } from 'node:child_process'
import { once } from 'node:events'
import { fileURLToPath } from 'node:url'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import type { TracerStats } from '../../src/export/stats.js'
import { type Receiver, startReceiver } from '../fixtures/receiver.js'
import { bundle } from './run-fixture.js'

const fileOf = (name: string): string => fileURLToPath(new URL(`fixtures/${name}`, import.meta.url))
let library: string
let receiver: Receiver

beforeAll(async () => {
  library = bundle(fileURLToPath(new URL('../../src/index.ts', import.meta.url)), 'library')
  receiver = await startReceiver((request, response) => {
    if (request.headers['content-type'] !== 'application/x-protobuf') return false
    response.setHeader('content-type', 'application/x-protobuf')
    response.end()
    return true
  })
})
afterAll(() => receiver.close())

/** A program of a host, with its functions traced or as they are; it may make a change. */
async function run(
  who: 'us' | 'nobody',
  what: string,
  { when = 'after', protocol = 'http/json', program = 'globals.mjs', server = receiver.url } = {},
) {
  const env = { ...process.env, WHO: who, WHAT: what, WHEN: when, PROTOCOL: protocol, SERVER_URL: server, LIBRARY: library }
  const child = spawn(process.execPath, [fileOf(program)], { env, stdio: ['ignore', 'pipe', 'pipe', 'pipe'] })
  const texts = ['', '', '', '']
  for (const at of [1, 2, 3]) child.stdio[at]?.on('data', (chunk: Buffer) => (texts[at] += chunk.toString()))
  const [code] = (await once(child, 'close')) as [number | null]
  return { seen: { code, stdout: texts[1], stderr: texts[2] }, books: texts[3] }
}

const lostOf = ({ dropped }: TracerStats): number => Object.values(dropped).reduce((sum, count) => sum + count, 0)

async function expectUnhurt(what: string, settings: { when?: string; protocol?: string; server?: string }): Promise<void> {
  const [us, control] = await Promise.all([run('us', what, settings), run('nobody', what, settings)])
  expect(us.seen).toEqual(control.seen)
  const books = JSON.parse(us.books ?? '') as TracerStats
  expect(books.started).toBe(books.ended + books.open)
  expect(books.ended).toBe(books.exported + books.pending + lostOf(books))
  // Every traced call and every span by hand is there; what a library starts is counted only where its owner is known.
  expect(books.started).toBeGreaterThanOrEqual(13)
  expect(books.pending).toBe(0)
}

const FIELDS = [
  'the text Object.prototype.value',
  'an enumerable object Object.prototype.get',
  'the function Object.prototype.set',
  'the text Object.prototype.enumerable',
  'the text Object.prototype.writable',
  'the function Object.prototype.toJSON',
  'the function Object.prototype.return',
  'the text Object.prototype.context',
  'the text Object.prototype.encoding',
  'an enumerable object Object.prototype.parent',
  'an enumerable object Object.prototype.attributes',
  'the text Object.prototype.links',
  'the text Object.prototype.root',
  'the text Object.prototype.signal',
  'the text Object.prototype.apiKey',
  'an enumerable object Object.prototype.exporter',
  'the text Object.prototype.disabled',
  'the text Object.prototype.agent',
  'a setter Object.prototype.startTime',
  'a throwing setter Object.prototype.next',
  'a throwing setter Object.prototype.context',
  'a throwing setter Object.prototype.type',
]

describe('a field on every object', () => {
  it.each(FIELDS)('%s, put there later, leaves the host as it is and the books right', (what) => expectUnhurt(what, {}))

  it.each(FIELDS.filter((_, at) => at % 3 === 0 && at > 6))('%s, there from the start, with protobuf', (what) =>
    expectUnhurt(what, { when: 'before', protocol: 'http/protobuf' }),
  )
})

const FUNCTIONS = [
  ...['map', 'push', 'filter', 'unshift', 'splice', 'reduce'].map((name) => `Array.prototype.${name}`),
  ...['Map.prototype.get', 'Map.prototype.set', 'Set.prototype.has', 'WeakMap.prototype.get', 'WeakRef.prototype.deref'],
  ...[
    'Promise.prototype.then',
    'Promise.all',
    'Promise.resolve',
    'RegExp.prototype.exec',
    'String.prototype.slice',
    'String.prototype.charCodeAt',
  ],
  ...['Function.prototype.call', 'Function.prototype.bind', 'JSON.stringify', 'JSON.parse'],
  ...['Object.keys', 'Object.entries', 'Object.defineProperty', 'Reflect.apply', 'Array.isArray', 'Buffer.from', 'Buffer.concat'],
  ...['Date.now', 'Math.random', 'globalThis.setTimeout', 'globalThis.structuredClone', 'globalThis.URL'],
]

describe('a function of the language that throws', () => {
  it.each(FUNCTIONS)('%s leaves the host as it is and the books right', (name) => expectUnhurt(`${name} that throws`, {}))

  it.each(['maps', 'sets', 'texts'])('an iterator of %s leaves the host as it is and the books right', (of) =>
    expectUnhurt(`an iterator of ${of} that throws`, { protocol: 'http/protobuf' }),
  )
})

describe('intrinsics that are frozen', () => {
  it.each(['before', 'after'])('%s this package is loaded: fields have any name, and what was delivered is whole', async (when) => {
    const before = receiver.spans.length
    await expectUnhurt('intrinsics that are frozen', { when })
    const byHand = receiver.spans.slice(before).find(({ name }) => name === 'by hand')
    expect(byHand?.attributes).toMatchObject({ 'honeyhive_metadata.a': 1, 'honeyhive_metadata.constructor': 'hand' })
  })

  it('beside a server that is not there leave the host as it is', () =>
    expectUnhurt('intrinsics that are frozen', { server: 'http://127.0.0.1:9' }))
})

describe('async functions that call themselves without end', () => {
  const ways = ['awaits', 'returns', 'resolves', 'catches', 'iterates', 'awaits with an argument', 'waits beside', 'hands']
  it.each(ways)(
    '%s: rejects with the error of the host, which reaches who awaits it and nobody else; every span is counted',
    async (way) => {
      const [us, control] = await Promise.all([
        run('us', way, { program: 'recursion.mjs' }),
        run('nobody', way, { program: 'recursion.mjs' }),
      ])
      expect([us.seen.code, us.seen.stdout]).toEqual([control.seen.code, control.seen.stdout])
      expect(us.seen.stdout).toContain('RangeError')
      const books = JSON.parse(us.books ?? '') as TracerStats
      expect(books.started).toBe(books.ended + books.open)
      expect(books.open).toBe(0)
      expect(books.ended).toBe(books.exported + books.pending + lostOf(books))
    },
  )
})
