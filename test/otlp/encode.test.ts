import { describe, expect, it } from 'vitest'
import { parseJsonReply, parseProtobufReply, toSerializer } from '../../src/otlp/encode.js'
import { toReadableSpan } from '../faults/rig.js'

describe('toSerializer', () => {
  it.each([
    ['http/json', 'application/json'],
    ['http/protobuf', 'application/x-protobuf'],
  ] as const)('writes %s', (protocol, contentType) => {
    const serializer = toSerializer(protocol)
    const bytes = serializer.toBytes([toReadableSpan('work', 'ab'.repeat(8), 10)])
    expect(serializer.contentType).toBe(contentType)
    expect(Buffer.from(bytes).includes('work')).toBe(true)
  })
})

describe('replies', () => {
  it('reads JSON with numbers as text or number, in both spellings', () => {
    expect(parseJsonReply(Buffer.from('{"partialSuccess":{"rejectedSpans":"3","errorMessage":"old"}}'))).toEqual({
      rejected: 3,
      message: 'old',
    })
    expect(parseJsonReply(Buffer.from('{"partial_success":{"rejected_spans":3}}'))).toEqual({ rejected: 3, message: '' })
    expect(parseJsonReply(Buffer.from('{"partialSuccess":{"rejectedSpans":-1}}')).rejected).toBe(0)
    expect(parseJsonReply(Buffer.from('null'))).toEqual({ rejected: 0, message: '' })
    expect(() => parseJsonReply(Buffer.from('{'))).toThrow(SyntaxError)
  })

  it('reads protobuf and skips fields it does not know', () => {
    const message = [0x08, 0xac, 0x02, 0x12, 0x02, 0x6f, 0x6b, 0x1d, 1, 2, 3, 4, 0x21, 1, 2, 3, 4, 5, 6, 7, 8]
    expect(parseProtobufReply(Uint8Array.from([0x0a, message.length, ...message, 0x10, 0x01]))).toEqual({ rejected: 300, message: 'ok' })
    expect(parseProtobufReply(new Uint8Array())).toEqual({ rejected: 0, message: '' })
  })

  it.each([[[0x0a, 0x7f, 0x01]], [[0x0f]], [[0x00]], [[0x08, 0xff]], [Array.from({ length: 12 }, () => 0xff)]])(
    'refuses the bytes %j',
    (bytes) => {
      expect(() => parseProtobufReply(Uint8Array.from(bytes))).toThrow(RangeError)
    },
  )
})
