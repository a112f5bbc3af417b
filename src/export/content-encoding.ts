import { promisify } from 'node:util'
import { brotliDecompress, constants, unzip } from 'node:zlib'

const unzipAsync = promisify(unzip)
const brotliAsync = promisify(brotliDecompress)

/** A body as it was before it was compressed. */
export interface DecodedBody {
  readonly body: Uint8Array
  /** False when it is larger than it may be; then it is empty. */
  readonly isComplete: boolean
}

/**
 * What a body of this `Content-Encoding` says: gzip, deflate or br. One that was cut short gives what came of it.
 *
 * @returns `undefined` for any other encoding, and for a body that is damaged or not compressed at all. Never rejects.
 */
export async function decodeBody(body: Uint8Array, encoding: string, maxBytes: number): Promise<DecodedBody | undefined> {
  try {
    const decoded = await decompress(body, encoding.trim().toLowerCase(), maxBytes)
    return decoded === undefined ? undefined : { body: decoded, isComplete: true }
  } catch (error) {
    return error instanceof RangeError ? { body: new Uint8Array(), isComplete: false } : undefined
  }
}

async function decompress(body: Uint8Array, encoding: string, maxOutputLength: number): Promise<Uint8Array | undefined> {
  switch (encoding) {
    case 'gzip':
    case 'x-gzip':
    case 'deflate':
      return await unzipAsync(body, { maxOutputLength, finishFlush: constants.Z_SYNC_FLUSH })
    case 'br':
      return await brotliAsync(body, { maxOutputLength, finishFlush: constants.BROTLI_OPERATION_FLUSH })
    default:
      return undefined
  }
}
