/** Reads protobuf wire format within the bounds of one buffer; a length that points outside is an error, never a read. */
import { OtlpDecodeError } from './decoded-span.js'

/** One field: `number` of the message definition, and its value by wire type. */
export interface ProtobufField {
  readonly number: number
  /** Varints, and fixed 32 and 64 bit values as they lie in the buffer. */
  readonly integer: bigint
  /** Length-delimited fields; empty for the others. */
  readonly bytes: Uint8Array
}

const NO_BYTES = new Uint8Array(0)
const WIRE = { varint: 0, fixed64: 1, bytes: 2, fixed32: 5 } as const

/**
 * Calls `onField` for each field of the message in `message`.
 *
 * @throws OtlpDecodeError when the bytes are not a protobuf message.
 */
export function readFields(message: Uint8Array, onField: (field: ProtobufField) => void): void {
  const view = new DataView(message.buffer, message.byteOffset, message.byteLength)
  let offset = 0

  function readVarint(): bigint {
    let small = 0
    for (let shift = 0; shift < 28; shift += 7) {
      const byte = nextByte()
      small |= (byte & 0x7f) << shift
      if (byte < 0x80) return BigInt(small)
    }
    let value = BigInt(small)
    for (let shift = 28n; shift < 70n; shift += 7n) {
      const byte = nextByte()
      value |= BigInt(byte & 0x7f) << shift
      if (byte < 0x80) return BigInt.asUintN(64, value)
    }
    throw new OtlpDecodeError('Malformed protobuf: a varint is longer than ten bytes.')
  }

  function nextByte(): number {
    const byte = message[offset++]
    if (byte === undefined) throw new OtlpDecodeError('Malformed protobuf: the message ends inside a field.')
    return byte
  }

  function take(length: number): number {
    const start = offset
    if (length > message.byteLength - start) throw new OtlpDecodeError('Malformed protobuf: a length points past the end.')
    offset += length
    return start
  }

  while (offset < message.byteLength) {
    const tag = Number(readVarint())
    const number = Math.floor(tag / 8)
    if (number === 0) throw new OtlpDecodeError('Malformed protobuf: field number 0.')
    switch (tag % 8) {
      case WIRE.varint:
        onField({ number, integer: readVarint(), bytes: NO_BYTES })
        break
      case WIRE.fixed64:
        onField({ number, integer: view.getBigUint64(take(8), true), bytes: NO_BYTES })
        break
      case WIRE.bytes: {
        const length = Number(readVarint())
        const start = take(length)
        onField({ number, integer: 0n, bytes: message.subarray(start, start + length) })
        break
      }
      case WIRE.fixed32:
        onField({ number, integer: BigInt(view.getUint32(take(4), true)), bytes: NO_BYTES })
        break
      default:
        throw new OtlpDecodeError(`Malformed protobuf: wire type ${tag % 8}.`)
    }
  }
}

/** The IEEE 754 double whose bits are `bits`. */
export function toDouble(bits: bigint): number {
  const view = new DataView(new ArrayBuffer(8))
  view.setBigUint64(0, bits)
  return view.getFloat64(0)
}

const utf8 = new TextDecoder()

/** UTF-8 text; invalid sequences become U+FFFD. */
export function toText(bytes: Uint8Array): string {
  return utf8.decode(bytes)
}
