import { JsonTraceSerializer, ProtobufTraceSerializer } from '@opentelemetry/otlp-transformer'
import type { ReadableSpan } from '@opentelemetry/sdk-trace'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { JsonWriter } from '../../src/otlp/json-writer.js'
import { ProtobufWriter } from '../../src/otlp/protobuf-writer.js'
import { type ExportableSpan, toExportable } from '../../src/otlp/span-writer.js'
import { ANY_TIMES, piecewise, plainAt, readableAt, RUNS, TIMES } from './hostile-spans.js'

const WRITERS = [
  ['JsonWriter', new JsonWriter(), JsonTraceSerializer, ANY_TIMES],
  // It has no place for a time before 1970.
  ['ProtobufWriter', new ProtobufWriter(), ProtobufTraceSerializer, TIMES],
] as const

describe.each(WRITERS)('%s', (_, writer, serializer, times) => {
  const readable = readableAt(times)
  const plain = plainAt(times)
  const toText = (bytes: Uint8Array | undefined): string => Buffer.from(bytes as Uint8Array).toString('latin1')
  const write = (spans: readonly ReadableSpan[]): string => toText(writer.write(spans.map(toExportable)))
  const official = (spans: readonly ReadableSpan[]): string => toText(serializer.serializeRequest([...spans]))

  it('writes what the official serialiser writes, byte for byte, whatever the spans hold', () => {
    fc.assert(
      fc.property(fc.array(readable, { maxLength: 6 }), (spans) => {
        expect(write(spans)).toBe(official(spans))
      }),
      { numRuns: RUNS },
    )
  })

  it('writes the same attribute by attribute, what is shared included', () => {
    fc.assert(
      fc.property(fc.array(plain, { maxLength: 6 }), (spans) => {
        expect(toText(writer.write(spans.map(piecewise)))).toBe(official(spans.map(({ readable }) => readable)))
      }),
      { numRuns: RUNS },
    )
  })

  it('takes back what was written of a span', () => {
    fc.assert(
      fc.property(plain, readable, (begun, span) => {
        const changesItsMind: ExportableSpan = {
          ...toExportable(span),
          writeTo(out) {
            const before = out.length
            piecewise(begun).writeTo?.(out)
            out.rewind(before)
            out.span(span)
          },
        }
        expect(toText(writer.write([changesItsMind]))).toBe(official([span]))
      }),
      { numRuns: RUNS },
    )
  })

  it('gives each request bytes of its own', () => {
    const [first, second] = fc.sample(readable, { numRuns: 2, seed: 7 }) as [ReadableSpan, ReadableSpan]
    const written = writer.write([toExportable(first)])
    const before = toText(written)
    write([second])
    expect(toText(written)).toBe(before)
  })

  it('is whole again after a span that throws', () => {
    const [good] = fc.sample(readable, { numRuns: 1, seed: 3 }) as [ReadableSpan]
    const bad: ExportableSpan = {
      ...toExportable(good),
      toReadable() {
        throw new Error('no span')
      },
    }
    const before = write([good])
    expect(() => writer.write([toExportable(good), bad])).toThrow('no span')
    expect(write([good])).toBe(before)
  })
})
