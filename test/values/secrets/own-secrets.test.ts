import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { createSecretMask, SecretList } from '../../../src/values/secrets/own-secrets.js'

/** No part of it is read as an expression would read it. */
const MASK = '[$&]'
/** Letters and digits, what writers escape, and what has more than one byte. */
const CHARS = [...'abXY019_-.~+/"\\ \t%=&é漢', '😀']
const secrets = fc.array(fc.constantFrom(...CHARS), { minLength: 8, maxLength: 50, size: 'max' }).map((chars) => chars.join(''))
/** Without letters, so that nothing around a secret makes one of it. */
const around = fc.array(fc.constantFrom(...'#;,! \n'), { maxLength: 60, size: 'max' }).map((chars) => chars.join(''))

/** How a secret may be written, by one who has it between two texts. */
const forms: Record<string, (secret: string, before: string, after: string) => string> = {
  'as it is': (secret, before, after) => before + secret + after,
  'as JSON': (secret, before, after) => JSON.stringify(before + secret + after),
  'as JSON in JSON': (secret, before, after) => JSON.stringify(JSON.stringify(before + secret + after)),
  'in a URL': (secret, before, after) => encodeURIComponent(before + secret + after),
  'as code points': (secret, before, after) => before + toCodePoints(secret) + after,
  'in base64': (secret, before, after) => Buffer.from(before + secret + after).toString('base64'),
  'in base64 of URLs': (secret, before, after) => Buffer.from(before + secret + after).toString('base64url'),
  'in base64 with lines': (secret, before, after) => toLines(Buffer.from(before + secret + after).toString('base64')),
}

const toCodePoints = (secret: string): string =>
  secret.replace(/[^A-Za-z0-9_.-]/g, (unit) => `\\u${unit.charCodeAt(0).toString(16).padStart(4, '0')}`)
const toLines = (base64: string): string => base64.replace(/.{76}/g, '$&\r\n')

describe('an own secret', () => {
  for (const [name, write] of Object.entries(forms)) {
    it(`is found ${name}, whatever it is made of`, () => {
      fc.assert(
        fc.property(secrets, around, around, (secret, before, after) => {
          const shown = createSecretMask([secret], MASK)?.(write(secret, before, after))
          expect(shown).toContain(MASK)
        }),
        { numRuns: 50 },
      )
    })
  }

  it('is found where its beginning stands before the mark of a cut, in texts that are shorter than it and in longer ones', () => {
    fc.assert(
      fc.property(secrets, fc.integer({ min: 4 }), around, (secret, length, before) => {
        const beginning = secret.slice(0, 4 + (length % (secret.length - 4)))
        const shown = createSecretMask([secret], MASK)?.(`${before}${beginning}… [truncated, 12 more bytes]`)
        expect(shown).toBe(`${before}${MASK}… [truncated, 12 more bytes]`)
      }),
    )
  })

  it('leaves a text as it is that has three characters of it before the mark of a cut, or the parts of it that are looked for first', () => {
    const mask = createSecretMask(['hh_0123456789/abcdefghij'], MASK)
    for (const text of ['hh_… [truncated, 12 more bytes]', 'a text with abcdefghij and 0123456789 in it', 'abcdefghij/hh_0123456789'])
      expect(mask?.(text)).toBe(text)
  })

  it('is found beside others, and one that is added later as well', () => {
    const list = new SecretList(['first-secret'])
    const mask = createSecretMask(list, MASK)
    const text = 'first-secret and second/secret'
    expect(mask?.(text)).toBe(`${MASK} and second/secret`)
    list.add('second/secret')
    expect(mask?.(text)).toBe(`${MASK} and ${MASK}`)
    expect(mask?.('second%2Fsecret')).toBe(MASK)
  })

  it('is found in base64 wherever its lines end', () => {
    const secret = 'hh_0123456789abcdefghijklmnopqrstuvwxyz'.repeat(3)
    const base64 = Buffer.from(`<<<${secret}>>>`).toString('base64')
    for (let first = 0; first < 64; first++) {
      const lines = [base64.slice(0, first), ...(base64.slice(first).match(/.{1,64}/g) ?? [])]
      expect(createSecretMask([secret], MASK)?.(lines.join('\n'))?.replaceAll('\n', '')).toBe(`PDw8${MASK}Pj4+`)
    }
  })

  it('leaves the characters of base64 that hold bits of what stands around it, and no other', () => {
    const mask = createSecretMask(['hh_012345678'], MASK)
    const shown = ['', '.', '..', '...'].map((before) => mask?.(Buffer.from(`${before}hh_012345678`).toString('base64')))
    expect(shown).toEqual([MASK, `Lm${MASK}A==`, `Li5${MASK}g=`, `Li4u${MASK}`])
  })

  it('is found beside shorter and longer ones, and as a part of one', () => {
    const mask = createSecretMask(['key-123', 'key-123-and-more', 'another secret that is long'], MASK)
    expect(mask?.('key-123')).toBe(MASK)
    expect(mask?.('key-123-and-more, key-123')).toBe(`${MASK}, ${MASK}`)
  })

  it('is none where there is none', () => {
    expect(createSecretMask([], MASK)).toBeUndefined()
    expect(createSecretMask(new SecretList([]), MASK)?.('any text')).toBe('any text')
  })

  it('is hidden with its first and its last character, and where a URL in small letters was cut', () => {
    const mask = createSecretMask(['hh\tkey/1234567'], MASK)
    expect(mask?.(JSON.stringify(JSON.stringify('(hh\tkey/1234567)')))).toBe(JSON.stringify(JSON.stringify(`(${MASK})`)))
    expect(mask?.('url=hh%09key%2f12… [truncated, 99 more bytes]')).toBe(`url=${MASK}… [truncated, 99 more bytes]`)
    expect(mask?.('url=hh%09key%2F12… [truncated, 99 more bytes]')).toBe(`url=${MASK}… [truncated, 99 more bytes]`)
    // The mark at the end is the one that counts.
    const quoted = `a text with … [truncated, 5 more bytes] in it, ${'and more, '.repeat(9)}`
    expect(mask?.(`${quoted}hh%09key… [truncated, 9 more bytes]`)).toBe(`${quoted}${MASK}… [truncated, 9 more bytes]`)
  })
})
