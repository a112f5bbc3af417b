import { isUtf8 } from 'node:buffer'
import { TextDecoder, types } from 'node:util'

const LINE_FEED = 0x0a
/** What stands for bytes that are no text. */
const REPLACEMENT = '\ufffd'
const REMEDY = 'Save the file as UTF-8 or convert it, e.g. with iconv -f WINDOWS-1252 -t UTF-8.'

/**
 * Text of a stream of bytes: UTF-8, or UTF-16 where a byte order mark says so. Parts that are text already stay as they are.
 *
 * @param toError makes what is thrown of what is wrong: which byte of which line is no UTF-8, and what to do.
 */
export async function* decodeText(parts: AsyncIterable<unknown>, toError: (problem: string) => Error): AsyncGenerator<string> {
  const utf8 = createUtf8(toError)
  let utf16: TextDecoder | undefined
  let isFirst = true
  for await (const part of parts) {
    if (typeof part === 'string') {
      yield part
      continue
    }
    if (!types.isUint8Array(part)) throw toError(`a part is of type ${typeof part}. Give a stream of bytes or of text.`)
    if (isFirst && part[0] === 0xff && part[1] === 0xfe) utf16 = new TextDecoder('utf-16le')
    isFirst = false
    yield utf16 === undefined ? utf8.write(part) : utf16.decode(part, { stream: true })
  }
  yield utf16 === undefined ? utf8.end() : utf16.decode()
}

/** Text without the byte order mark that editors and PowerShell put before it; no JSON begins with one. */
export function withoutMark(text: string): string {
  return text.startsWith('\ufeff') ? text.slice(1) : text
}

interface Utf8Reader {
  readonly write: (part: Uint8Array) => string
  readonly end: () => string
}

function createUtf8(toError: (problem: string) => Error): Utf8Reader {
  /** Begins a character that the next part ends. */
  let open: Uint8Array = new Uint8Array()
  let readBytes = 0
  let readLines = 0
  function read(bytes: Buffer): string {
    if (!isUtf8(bytes)) throw toError(describeBadByte(bytes, readBytes, readLines))
    readBytes += bytes.length
    readLines += countLines(bytes)
    return bytes.toString('utf8')
  }
  return {
    write(part) {
      const bytes = Buffer.concat([open, part])
      const end = bytes.length - countOpen(bytes)
      open = bytes.subarray(end)
      return read(bytes.subarray(0, end))
    },
    end: () => read(Buffer.from(open)),
  }
}

/** Bytes at the end that begin a character without ending it. */
function countOpen(bytes: Uint8Array): number {
  for (let back = 1; back <= 3; back++) {
    const byte = bytes[bytes.length - back] ?? 0
    if (byte < 0x80) return 0
    // What follows the first byte of a character begins with the bits 10.
    if (byte < 0xc0) continue
    const length = byte < 0xe0 ? 2 : byte < 0xf0 ? 3 : 4
    return back < length ? back : 0
  }
  return 0
}

function countLines(bytes: Buffer): number {
  let count = 0
  for (let at = bytes.indexOf(LINE_FEED); at !== -1; at = bytes.indexOf(LINE_FEED, at + 1)) count++
  return count
}

function describeBadByte(bytes: Buffer, before: number, linesBefore: number): string {
  const at = findBadByte(bytes)
  const line = linesBefore + countLines(bytes.subarray(0, at)) + 1
  return `line ${line} is not UTF-8: byte 0x${bytes[at]?.toString(16)} at offset ${before + at}. ${REMEDY}`
}

/** Place of the first byte that is no UTF-8; a replacement character may also be meant. */
function findBadByte(bytes: Buffer): number {
  const text = bytes.toString('utf8')
  const meant = Buffer.from(REPLACEMENT)
  let at = 0
  let from = 0
  for (;;) {
    const found = text.indexOf(REPLACEMENT, from)
    if (found === -1) return at
    at += Buffer.byteLength(text.slice(from, found))
    if (!meant.equals(bytes.subarray(at, at + meant.length))) return at
    at += meant.length
    from = found + 1
  }
}
