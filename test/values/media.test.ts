import { createHash, randomBytes } from 'node:crypto'
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { isMediaText, sniffType, summariseMedia } from '../../src/values/media.js'
import type { Plain } from '../../src/values/plain.js'
import { createRedactor } from '../../src/values/redact.js'
import { type Snapshot, toSnapshot } from '../../src/values/snapshot.js'
import type { HoneyHiveTracer } from '../../src/tracer/tracer.js'
import { createTestTracer } from '../../src/testing/index.js'
import { trace } from '../../src/tracer/tracing.js'
import { cpuMsOf, leastBelow } from '../fixtures/cost.js'

const PNG = Buffer.from('iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg==', 'base64')
const sha256 = (bytes: Uint8Array): string => createHash('sha256').update(bytes).digest('hex')
const summaryOf = (label: string, bytes: Uint8Array): string => `[${label} ${bytes.byteLength} bytes, sha256 ${sha256(bytes)}]`
const pngUri = `data:image/png;base64,${PNG.toString('base64')}`
const redactor = createRedactor({}, [], 'summary')
const shownOf = (value: unknown): Plain => redactor.value('inputs', toSnapshot(value, { maxBytes: 1_048_576 }).value)

describe('summariseMedia', () => {
  it('tells a data URI by its type, its size and the hash of its bytes', () => {
    expect(summariseMedia(pngUri)).toBe(summaryOf('image/png', PNG))
    expect(summariseMedia(`DATA:audio/wav;codecs=1;base64,${Buffer.from('RIFF').toString('base64')}`)).toBe(
      summaryOf('audio/wav', Buffer.from('RIFF')),
    )
    expect(summariseMedia(`data:image/png;base64,${encodeURIComponent(PNG.toString('base64'))}`)).toBe(summaryOf('image/png', PNG))
  })

  it('finds them inside Markdown, HTML, JSON and JSON in JSON, and keeps the JSON valid', () => {
    expect(summariseMedia(`![x](${pngUri}) and <img src="${pngUri}">`)).toBe(
      `![x](${summaryOf('image/png', PNG)}) and <img src="${summaryOf('image/png', PNG)}">`,
    )
    const message = {
      content: [
        { type: 'image_url', image_url: { url: pngUri } },
        { type: 'text', text: 'what is this?' },
      ],
    }
    const shown = summariseMedia(JSON.stringify({ arguments: JSON.stringify(message) }))
    expect(JSON.parse(JSON.parse(shown).arguments)).toEqual({
      content: [
        { type: 'image_url', image_url: { url: summaryOf('image/png', PNG) } },
        { type: 'text', text: 'what is this?' },
      ],
    })
  })

  it('takes base64 without a URI: by its beginning, or by its length', () => {
    const noise = randomBytes(3_000)
    expect(summariseMedia(PNG.toString('base64'))).toBe(summaryOf('image/png', PNG))
    expect(summariseMedia(noise.toString('base64'))).toBe(summaryOf('base64', noise))
    expect(summariseMedia(noise.toString('base64url'))).toBe(summaryOf('base64', noise))
    expect(summariseMedia(`{"data":"${noise.toString('base64')}","n":1}`)).toBe(`{"data":"${summaryOf('base64', noise)}","n":1}`)
    const wrapped = (noise.toString('base64').match(/.{1,76}/g) ?? []).join('\r\n')
    expect(summariseMedia(`a\n${wrapped}\nend`)).toBe(`a\n${summaryOf('base64', noise)}\nend`)
  })

  const slashed = (json: string): string => json.replaceAll('/', '\\/')
  const writers: readonly ((data: string) => string)[] = [
    (data) => JSON.stringify({ a: 'b', data }),
    (data) => slashed(JSON.stringify({ data: `see\n${data}` })),
    (data) => JSON.stringify({ arguments: JSON.stringify({ data }) }),
    (data) => slashed(JSON.stringify({ arguments: slashed(JSON.stringify({ data })) })),
  ]

  it('takes them in lines and with the escapes of JSON: the hash is that of the bytes', () => {
    for (const size of [400, 1_000, 1_026, 3_000, 3_001, 20_008]) {
      const png = Buffer.concat([Buffer.from('89504e470d0a1a0a0000000d', 'hex'), randomBytes(size)])
      for (const bytes of [png, randomBytes(size)]) {
        const type = bytes === png ? 'image/png' : 'base64'
        const base64 = bytes.toString('base64')
        const lines = ['\n', '\r\n'].flatMap((end) => [64, 76].map((chars) => base64.replace(new RegExp(`(.{${chars}})`, 'g'), `$1${end}`)))
        for (const given of [base64, ...lines]) {
          const summary = summaryOf(type, bytes)
          if (bytes === png || size > 400) {
            expect(summariseMedia(given).trimEnd()).toBe(summary)
            expect(summariseMedia(`a\n${given.trimEnd()}\n\nthe end`)).toBe(`a\n${summary}\n\nthe end`)
            for (const write of writers) expect(summariseMedia(write(given.trimEnd()))).toBe(write('MEDIUM').replace('MEDIUM', summary))
          }
          const uri = `data:image/png;base64,${given}`
          for (const text of [uri, `![x](${uri.trimEnd()})`, JSON.stringify({ uri }), slashed(JSON.stringify({ uri }))]) {
            expect(summariseMedia(text)).toContain(summaryOf('image/png', bytes))
            expect(summariseMedia(text).length).toBeLessThan(150)
          }
        }
      }
    }
  })

  it('knows a JPEG whose slashes are escaped', () => {
    const jpeg = Buffer.concat([Buffer.from([0xff, 0xd8, 0xff, 0xe0]), randomBytes(300)])
    const json = JSON.stringify({ data: jpeg.toString('base64') })
    for (const text of [json, slashed(json)]) expect(summariseMedia(text)).toBe(`{"data":"${summaryOf('image/jpeg', jpeg)}"}`)
  })

  it('leaves text alone: long words, rows of letters, prose, small data URIs of text', () => {
    const texts = [
      'x'.repeat(10_000),
      'ACGT'.repeat(1_000),
      'abcdefghij'.repeat(300),
      'The quick brown fox. '.repeat(200),
      'data:text/plain,hello',
      'data: none, base64, iVBOR',
      '/9j/ is how JPEG begins',
      'a1B2c3'.repeat(40),
      'line of words\n'.repeat(200),
    ]
    for (const text of texts) expect(summariseMedia(text)).toBe(text)
  })

  it('gives back the same text where there is no medium', () => {
    const words = fc.array(fc.constantFrom('hello', 'world', ' ', '\n', '. ', '=', '/', '42'), { maxLength: 300 })
    fc.assert(
      fc.property(words, (given) => {
        expect(summariseMedia(given.join(' '))).toBe(given.join(' '))
      }),
    )
  })

  it.each([
    'a',
    'aA1',
    'data:',
    'data:image/png;base64,',
    'iVBORw0KGgo',
    '/9j/',
    'A1b/\n',
    'A1b\\/',
    `${'Aa1'.repeat(25)}=\n`,
    `T2dnUA${'Aa1'.repeat(25)}\n`,
    `\\nT2dnUA${'Aa1'.repeat(25)}`,
    `${'Aa1/'.repeat(19)}\\n`,
    '%2F',
    `${'Aa1'.repeat(25)}\n`,
    'data:a/b;x=',
    ';base64,',
  ])('takes a megabyte of %j in linear time', async (unit) => {
    const small = unit.repeat(Math.ceil(60_000 / unit.length))
    const large = unit.repeat(Math.ceil(960_000 / unit.length))
    // 16 times the text; a quadratic pass takes 256 times as long.
    const smallMs = cpuMsOf(() => summariseMedia(small))
    const limitMs = 64 * Math.max(5, smallMs)
    expect(await leastBelow(limitMs, () => cpuMsOf(() => summariseMedia(large)))).toBeLessThan(limitMs)
  })
})

describe('sniffType', () => {
  it.each([
    [PNG, 'image/png'],
    [Buffer.from([0xff, 0xd8, 0xff, 0xe0]), 'image/jpeg'],
    [Buffer.from('GIF89a'), 'image/gif'],
    [Buffer.from('RIFF1234WEBPVP8 '), 'image/webp'],
    [Buffer.from('RIFF1234WAVEfmt '), 'audio/wav'],
    [Buffer.from('%PDF-1.7'), 'application/pdf'],
    [Buffer.from('0000ftypisom'), 'video/mp4'],
    [Buffer.from('plain text'), undefined],
    [Buffer.alloc(0), undefined],
  ])('%s', (bytes, type) => {
    expect(sniffType(bytes)).toBe(type)
  })
})

describe('media in captured values', () => {
  it('summarises parts of messages of every spelling', () => {
    const data = randomBytes(600).toString('base64')
    const bytes = Buffer.from(data, 'base64')
    const shown = shownOf([
      { type: 'image_url', image_url: { url: pngUri, detail: 'low' } },
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: PNG.toString('base64') } },
      { type: 'input_audio', input_audio: { data, format: 'pcm16' } },
      { inlineData: { mimeType: 'audio/pcm', data } },
      { type: 'file', mediaType: 'application/pdf', data: new Uint8Array(Buffer.from('%PDF-1.7')) },
      { type: 'image', image: PNG },
      JSON.parse(JSON.stringify({ type: 'file', data: PNG })),
      { type: 'text', text: 'hello' },
    ])
    expect(shown).toEqual([
      { type: 'image_url', image_url: { url: summaryOf('image/png', PNG), detail: 'low' } },
      { type: 'image', source: { type: 'base64', media_type: 'image/png', data: summaryOf('image/png', PNG) } },
      { type: 'input_audio', input_audio: { data: summaryOf('pcm16', bytes), format: 'pcm16' } },
      { inlineData: { mimeType: 'audio/pcm', data: summaryOf('audio/pcm', bytes) } },
      { type: 'file', mediaType: 'application/pdf', data: summaryOf('Uint8Array application/pdf', Buffer.from('%PDF-1.7')) },
      { type: 'image', image: summaryOf('Buffer image/png', PNG) },
      { type: 'file', data: summaryOf('Buffer image/png', PNG) },
      { type: 'text', text: 'hello' },
    ])
  })

  it('summarises a URL that holds a medium', () => {
    const medium = randomBytes(20_000)
    expect(shownOf({ image: new URL(`data:image/png;base64,${medium.toString('base64')}`) })).toEqual({
      image: summaryOf('image/png', medium),
    })
  })

  it('takes no room of other fields: a medium of 5 MB beside a question within 10 KB', () => {
    const medium = randomBytes(3_750_000)
    const { value, truncated }: Snapshot = toSnapshot(
      { image: `data:image/png;base64,${medium.toString('base64')}`, question: 'q'.repeat(5_000) },
      { maxBytes: 10_000 },
    )
    expect(truncated).toBe(false)
    expect(value).toEqual({ image: summaryOf('image/png', medium), question: 'q'.repeat(5_000) })
  })

  it('hashes the ends of what is very large, and says so', () => {
    expect(toSnapshot(Buffer.alloc(20_000_000), { maxBytes: 1_000 }).value).toMatch(
      /^\[Buffer 20000000 bytes, sha256 of first and last 524288 bytes [0-9a-f]{64}\]$/,
    )
  })

  it('keeps them on request, as far as they have room', () => {
    const kept = toSnapshot({ a: PNG, b: new Float32Array([0.5, 2]), c: pngUri }, { maxBytes: 10_000, media: 'keep' }).value
    expect(createRedactor({}, []).value('inputs', kept)).toEqual({ a: pngUri, b: [0.5, 2], c: pngUri })
    expect(toSnapshot(Buffer.alloc(1_000), { maxBytes: 100, media: 'keep' }).value).toContain('1000 bytes, sha256')
    expect(isMediaText(pngUri)).toBe(true)
  })

  it('copies of a value do not follow its bytes', () => {
    const bytes = Buffer.from('before')
    const { value } = toSnapshot({ bytes }, { maxBytes: 1_000, media: 'keep' })
    bytes.fill(0)
    expect(JSON.stringify(value)).toContain(Buffer.from('before').toString('base64'))
  })
})

describe('capture.media', () => {
  const record = (tracer: HoneyHiveTracer & { spans: readonly { attributes: object }[] }): string => {
    trace({ tracer, eventName: 'describe' })((image: string) => ({ image }))(pngUri)
    const attributes = {
      'llm.input_messages.0.message.contents.0.message_content.image.image.url': pngUri,
      'gen_ai.prompt': JSON.stringify([{ image: pngUri }]),
    }
    tracer.otelTracer.startSpan('chat', { attributes }).end()
    return JSON.stringify(tracer.spans.map((span) => span.attributes))
  }

  it('summarises by default, attributes of instrumentors included, and also where nothing is redacted', () => {
    for (const redact of [undefined, false as const]) {
      const shown = record(createTestTracer({ redact }))
      expect(shown).not.toContain(PNG.toString('base64'))
      expect(shown.split(sha256(PNG))).toHaveLength(5)
    }
  })

  it('keep keeps them', () => {
    const shown = record(createTestTracer({ capture: { media: 'keep' } }))
    expect(shown.split(PNG.toString('base64'))).toHaveLength(5)
    expect(shown).not.toContain('sha256')
  })
})
