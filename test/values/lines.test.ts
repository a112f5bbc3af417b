import { describe, expect, test } from 'vitest'
import { decodeText } from '../../src/values/decode-text.js'
import { readLines } from '../../src/values/lines.js'

async function listOf<T>(items: AsyncIterable<T>): Promise<readonly T[]> {
  const list: T[] = []
  for await (const item of items) list.push(item)
  return list
}

async function* inParts<T>(...parts: T[]): AsyncGenerator<T> {
  yield* parts
}

/** Every way to cut something in two. */
function cutsOf<T extends { readonly length: number; slice(from: number, to?: number): T }>(whole: T): readonly [T, T][] {
  return Array.from({ length: whole.length + 1 }, (_, at) => [whole.slice(0, at), whole.slice(at)])
}

describe('readLines', () => {
  test('ends lines at line feeds and carriage returns alone, wherever the text is cut', async () => {
    const text = 'one\u2028two\u2029\u0085\u000b\u000c\nthree\r\n\r\n\nfour\rfive'
    const lines = ['one\u2028two\u2029\u0085\u000b\u000c', 'three', '', '', 'four', 'five']
    for (const parts of cutsOf(text)) expect(await listOf(readLines(inParts(...parts)))).toEqual(lines)
    expect(await listOf(readLines(inParts(...text, '', '\r', '', '\n')))).toEqual(lines)
  })

  test('has no line after the last end, and none in nothing', async () => {
    expect(await listOf(readLines(inParts('a\n')))).toEqual(['a'])
    expect(await listOf(readLines(inParts('a\r', '\n')))).toEqual(['a'])
    expect(await listOf(readLines(inParts('\n')))).toEqual([''])
    expect(await listOf(readLines(inParts('')))).toEqual([])
  })
})

describe('decodeText', () => {
  const read = async (...parts: unknown[]): Promise<string> =>
    (await listOf(decodeText(inParts(...parts), (problem) => new Error(problem)))).join('')

  test('puts characters together that are cut between two parts', async () => {
    const text = 'é 東京 😀 \ufffd'
    for (const parts of cutsOf(Buffer.from(text))) expect(await read(...parts)).toBe(text)
    expect(await read(...Array.from(Buffer.from(text), (byte) => Uint8Array.of(byte)))).toBe(text)
    expect(await read(Buffer.from('a'), 'text', Buffer.from('b'))).toBe('atextb')
  })

  test('reads UTF-16 with its byte order mark', async () => {
    const bytes = Buffer.from('\ufeffa;é\n', 'utf16le')
    expect(await read(bytes.subarray(0, 5), bytes.subarray(5))).toBe('a;é\n')
  })

  test('says which byte of which line is no UTF-8', async () => {
    const bytes = Buffer.concat([Buffer.from('ok \ufffd\nZ'), Buffer.from('ürich', 'latin1')])
    for (const parts of cutsOf(bytes))
      await expect(read(...parts)).rejects.toThrow('line 2 is not UTF-8: byte 0xfc at offset 8. Save the file as UTF-8')
    await expect(read(Buffer.from([0x61, 0xc3]))).rejects.toThrow('line 1 is not UTF-8: byte 0xc3 at offset 1.')
    await expect(read(Buffer.from([0xff, 0x61]))).rejects.toThrow('byte 0xff at offset 0.')
    await expect(read(Buffer.from([0xf0, 0x9f]), Buffer.from('x'))).rejects.toThrow('byte 0xf0 at offset 0.')
    await expect(read(Buffer.from([0x80, 0x80, 0x80, 0x80]))).rejects.toThrow('byte 0x80 at offset 0.')
    await expect(read(5)).rejects.toThrow('a part is of type number')
  })
})
