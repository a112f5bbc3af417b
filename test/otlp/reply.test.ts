import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { type OtlpReply, toOutcome } from '../../src/otlp/reply.js'

const CONTEXT = { place: 'http://backend/v1/traces', nowMs: 0 }
const PROTOBUF = 'application/x-protobuf'

function reply(body: string | readonly number[], rest: Partial<OtlpReply> = {}): OtlpReply {
  return {
    status: 200,
    contentType: 'application/json',
    retryAfter: undefined,
    isComplete: true,
    body: Buffer.from(body as string),
    ...rest,
  }
}

const accepted = (rejected = 0, message = '') => ({ kind: 'accepted', rejected, message })
const REFUSED = { kind: 'refused', reason: 'badReply' }

describe('toOutcome of an accepted request', () => {
  it.each([
    ['', accepted()],
    ['{}', accepted()],
    ['null', accepted()],
    ['{"partialSuccess":{}}', accepted()],
    ['{"partialSuccess":null}', accepted()],
    ['{"partialSuccess":{"rejectedSpans":"3","errorMessage":"old"}}', accepted(3, 'old')],
    ['{"partial_success":{"rejected_spans":3}}', accepted(3)],
    ['{"partialSuccess":{"rejectedSpans":-1}}', accepted()],
    ['{"partialSuccess":{"rejectedSpans":"many","errorMessage":7}}', accepted()],
    ['{"partialSuccess":{"rejectedSpans":1e400}}', accepted()],
  ])('reads the JSON %s', (body, outcome) => {
    expect(toOutcome(reply(body), CONTEXT)).toEqual(outcome)
    expect(toOutcome(reply(body, { contentType: 'application/json; charset=utf-8' }), CONTEXT)).toEqual(outcome)
  })

  it('reads protobuf and skips fields it does not know', () => {
    const message = [0x08, 0xac, 0x02, 0x12, 0x02, 0x6f, 0x6b, 0x1d, 1, 2, 3, 4, 0x21, 1, 2, 3, 4, 5, 6, 7, 8]
    const body = [0x0a, message.length, ...message, 0x10, 0x01]
    expect(toOutcome(reply(body, { contentType: PROTOBUF }), CONTEXT)).toEqual(accepted(300, 'ok'))
    expect(toOutcome(reply([], { contentType: PROTOBUF }), CONTEXT)).toEqual(accepted())
  })

  it('takes a negative count for none', () => {
    const minusOne = [...Array.from({ length: 9 }, () => 0xff), 0x01]
    expect(toOutcome(reply([0x0a, 11, 0x08, ...minusOne], { contentType: PROTOBUF }), CONTEXT)).toEqual(accepted())
  })

  it('tells the encoding by the first byte when the header does not say', () => {
    expect(toOutcome(reply('{"partialSuccess":{"rejectedSpans":1}}', { contentType: '' }), CONTEXT)).toEqual(accepted(1))
    expect(toOutcome(reply([0x0a, 2, 0x08, 1], { contentType: 'application/octet-stream' }), CONTEXT)).toEqual(accepted(1))
  })

  it('believes the status of a reply that was cut short', () => {
    expect(toOutcome(reply('{"partial', { isComplete: false }), CONTEXT)).toEqual(accepted())
    expect(toOutcome(reply([0x0a, 0x7f, 1], { isComplete: false, contentType: PROTOBUF }), CONTEXT)).toEqual(accepted())
  })

  it.each([
    ['<html>login</html>', 'text/html; charset=utf-8'],
    ['<html>login</html>', ''],
    ['{}', 'text/html'],
    ['{', 'application/json'],
    ['Accepted', 'text/plain'],
    ['OK', ''],
    ['not json', 'application/json'],
    [[0x0a, 0x7f, 1], PROTOBUF],
    [[0x0f], PROTOBUF],
    [[0x0d], PROTOBUF],
    [[0x00], PROTOBUF],
    [[0x00, 0x00], PROTOBUF],
    [[0x08, 0xff], PROTOBUF],
    [Array.from({ length: 12 }, () => 0xff), PROTOBUF],
  ])('does not take %j of type %j for an answer', (body, contentType) => {
    expect(toOutcome(reply(body, { contentType }), CONTEXT)).toMatchObject(REFUSED)
  })

  it('never throws, and its count is one, whatever the server sent', () => {
    const contentType = fc.constantFrom('', 'text/plain', 'application/json', PROTOBUF)
    const json = fc.oneof(
      fc.json(),
      fc
        .record({ partialSuccess: fc.record({ rejectedSpans: fc.anything(), errorMessage: fc.anything() }) })
        .map((value) => JSON.stringify(value, (_, item: unknown) => (typeof item === 'bigint' ? String(item) : item))),
    )
    const body = fc.oneof(
      fc.uint8Array({ maxLength: 64 }),
      json.map((text) => Buffer.from(text)),
    )
    fc.assert(
      fc.property(body, contentType, fc.boolean(), (bytes, type, isComplete) => {
        const outcome = toOutcome(reply('', { body: bytes, contentType: type, isComplete }), CONTEXT)
        if (outcome.kind !== 'accepted') {
          expect(outcome).toMatchObject(REFUSED)
          return
        }
        expect(Number.isSafeInteger(outcome.rejected) && outcome.rejected >= 0 && typeof outcome.message === 'string').toBe(true)
      }),
      { numRuns: 2_000 },
    )
  })
})

describe('toOutcome of other statuses', () => {
  it.each([
    [429, '2', { kind: 'retry', afterMs: 2_000 }],
    [503, undefined, { kind: 'retry', afterMs: undefined }],
    [413, undefined, { kind: 'tooLarge' }],
    [400, undefined, { kind: 'invalid' }],
    [302, undefined, { kind: 'refused', reason: 'httpStatus' }],
    [500, '2', { kind: 'refused', reason: 'httpStatus' }],
  ])('reads %i with Retry-After %j', (status, retryAfter, outcome) => {
    expect(toOutcome(reply('', { status, retryAfter }), CONTEXT)).toMatchObject(outcome)
  })

  it.each([
    [401, 'HH_API_KEY'],
    [404, 'HH_API_URL'],
    [307, 'redirects are not followed'],
  ])('says what to check after %i', (status, hint) => {
    expect(toOutcome(reply('', { status }), CONTEXT)).toMatchObject({ detail: expect.stringContaining(hint) })
  })
})
