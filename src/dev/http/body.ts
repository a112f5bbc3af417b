/** Reads request bodies within limits that hold before and after decompression. */
import type { IncomingMessage } from 'node:http'
import { promisify } from 'node:util'
import * as zlib from 'node:zlib'
import { HttpError, badRequest } from './http-error.js'
import { isDeeperThan, isObject, type JsonObject, MAX_DEPTH } from '../../otlp/json.js'

type Decompress = (body: Buffer, options: { maxOutputLength: number }) => Promise<Buffer>

/** By the name of a `Content-Encoding`; zstd where this Node has it, from 22.15 on. */
const DECOMPRESSORS: ReadonlyMap<string, Decompress> = new Map([
  ['gzip', promisify(zlib.gunzip) as Decompress],
  ['deflate', promisify(zlib.inflate) as Decompress],
  ['br', promisify(zlib.brotliDecompress) as Decompress],
  ...('zstdDecompress' in zlib ? [['zstd', promisify(zlib.zstdDecompress as typeof zlib.inflate) as Decompress] as const] : []),
])

/** Limits of one body, in bytes. */
export interface BodyLimits {
  /** As it comes over the wire. */
  readonly maxBodyBytes: number
  /** After decompression. */
  readonly maxInflatedBytes: number
}

/** Media type of a request, lower case and without parameters. */
export function mediaTypeOf({ headers }: IncomingMessage): string {
  return (headers['content-type'] ?? '').split(';', 1)[0]?.trim().toLowerCase() ?? ''
}

/**
 * The decompressed bytes of a request.
 *
 * @throws HttpError 413 beyond a limit, 415 for an unknown encoding, 400 for damaged data or an interrupted request.
 */
export async function readBytes(request: IncomingMessage, limits: BodyLimits): Promise<Buffer> {
  const decompress = chooseDecompressor(request.headers['content-encoding'])
  const body = await readWire(request, limits.maxBodyBytes)
  if (decompress === undefined) {
    if (body.byteLength > limits.maxInflatedBytes) throw tooLarge(limits.maxInflatedBytes)
    return body
  }
  try {
    return await decompress(body, { maxOutputLength: limits.maxInflatedBytes })
  } catch (error) {
    if (error instanceof RangeError) throw tooLarge(limits.maxInflatedBytes)
    throw badRequest('The compressed body is damaged')
  }
}

/**
 * The body as parsed JSON; an empty one is `undefined`.
 *
 * @throws HttpError 415 unless the request says it is JSON, 400 when it is not or is nested too deep.
 */
export async function readJson(request: IncomingMessage, limits: BodyLimits): Promise<unknown> {
  const hasBody =
    request.headers['content-length'] !== undefined
      ? request.headers['content-length'] !== '0'
      : request.headers['transfer-encoding'] !== undefined
  if (!hasBody) return undefined
  requireType(request, ['application/json'])
  const bytes = await readBytes(request, limits)
  return bytes.byteLength === 0 ? undefined : parseJson(bytes)
}

/**
 * The body as a JSON object; an empty one is `{}`.
 *
 * @throws HttpError as {@link readJson}, and 400 for any other JSON value.
 */
export async function readObject(request: IncomingMessage, limits: BodyLimits): Promise<JsonObject> {
  const body = await readJson(request, limits)
  if (body === undefined) return {}
  if (!isObject(body)) throw badRequest('The body must be a JSON object')
  return body
}

/** Reads JSON bytes. @throws HttpError 400 */
export function parseJson(bytes: Buffer): unknown {
  let body: unknown
  try {
    body = JSON.parse(bytes.toString('utf8'))
  } catch {
    throw badRequest('The body is not valid JSON')
  }
  if (isDeeperThan(body, MAX_DEPTH * 4)) throw badRequest(`The body is nested more than ${MAX_DEPTH * 4} levels`)
  return body
}

/** @throws HttpError 415 unless the request has one of `types`. */
export function requireType(request: IncomingMessage, types: readonly string[]): void {
  const type = mediaTypeOf(request)
  if (!types.includes(type)) throw new HttpError(415, `Content-Type "${type}" is not accepted here; send ${types.join(' or ')}`)
}

function chooseDecompressor(encoding = ''): Decompress | undefined {
  const name = encoding.trim().toLowerCase()
  if (name === '' || name === 'identity') return undefined
  const decompress = DECOMPRESSORS.get(name)
  if (decompress !== undefined) return decompress
  const names = [...DECOMPRESSORS.keys()].join(', ')
  const headers = { 'accept-encoding': names }
  throw new HttpError(415, `Content-Encoding "${name}" is not accepted here; send one of ${names}, or none`, { headers })
}

function readWire(request: IncomingMessage, maxBytes: number): Promise<Buffer> {
  const declared = Number(request.headers['content-length'] ?? 0)
  if (declared > maxBytes) return Promise.reject(tooLarge(maxBytes))
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let size = 0
    request.on('data', (chunk: Buffer) => {
      size += chunk.byteLength
      if (size > maxBytes) {
        chunks.length = 0
        request.removeAllListeners('data')
        reject(tooLarge(maxBytes))
        return
      }
      chunks.push(chunk)
    })
    request.on('end', () => resolve(Buffer.concat(chunks)))
    request.on('error', () => reject(badRequest('The request was interrupted')))
    request.on('close', () => reject(badRequest('The request was interrupted')))
  })
}

function tooLarge(maxBytes: number): HttpError {
  return new HttpError(413, `The body is larger than ${maxBytes} bytes. Send smaller batches.`, { headers: { connection: 'close' } })
}
