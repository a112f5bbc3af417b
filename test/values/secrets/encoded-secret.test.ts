import { describe, expect, it } from 'vitest'
import { type EncodedSecret, toEncodedBase64, toEncodedText } from '../../../src/values/secrets/encoded-secret.js'

const MASK = '[masked]'
const masked = ({ source }: EncodedSecret, text: string): string => text.replaceAll(new RegExp(source(), 'g'), MASK)

describe('a secret in JSON and URLs of any writer', () => {
  const SECRET = 'hh/Abc "def"+g.h~\t=klé0123456789'
  const secret = toEncodedText(SECRET)
  const json = JSON.stringify(SECRET).slice(1, -1)
  const escaped = (char: string): string => `\\u${char.charCodeAt(0).toString(16).padStart(4, '0')}`
  const forms: Record<string, string> = {
    'as it is': SECRET,
    'an escaped slash': json.replaceAll('/', '\\/').replaceAll('\\t', '\t'),
    'JSON in JSON': SECRET.replaceAll('"', '\\\\\\"').replaceAll('/', '\\\\/'),
    'code points': SECRET.replace(/[^\w.]/g, escaped),
    'code points in capitals, in JSON in JSON': SECRET.replace(
      /[^\w.]/g,
      (char) => `\\${escaped(char).replace(/[a-f]/g, (digit) => digit.toUpperCase())}`,
    ),
    'a URL': encodeURIComponent(SECRET),
    'a URL in small letters': encodeURIComponent(SECRET).replace(/%../g, (byte) => byte.toLowerCase()),
    'a URL in a URL': encodeURIComponent(encodeURIComponent(SECRET)),
    'a form': encodeURIComponent(SECRET).replaceAll('%20', '+'),
  }
  for (const [name, form] of Object.entries(forms)) {
    it(`is found in: ${name}`, () => {
      expect(masked(secret, `before ${form} and ${form} after`)).toBe(`before ${MASK} and ${MASK} after`)
    })
  }

  it('is nothing else that looks like it', () => {
    for (const text of [SECRET.replace('.', 'x'), SECRET.replace('/', 'x'), SECRET.slice(1), 'klé0123456789']) {
      expect(masked(secret, text)).toBe(text)
    }
  })

  it('is found as it is where no writer changes it', () => {
    expect(masked(toEncodedText('hh_key-1.2'), 'hh_key-1.2, hh_key-1x2, hh_key')).toBe(`${MASK}, hh_key-1x2, hh_key`)
  })

  it('may have neither letters nor digits', () => {
    expect(masked(toEncodedText('"/+=~!'), encodeURIComponent('"/+=~!'))).toBe(MASK)
  })
})

describe('the base64 of a secret', () => {
  const SHORT = 'ab+cd/efGHIJKLMNOPqrstuvwx01234567+/89'

  it('is found in the alphabet of URLs, and encoded once more', () => {
    const secret = toEncodedBase64(SHORT)
    for (const form of [
      SHORT,
      SHORT.replaceAll('+', '-').replaceAll('/', '_'),
      encodeURIComponent(SHORT),
      SHORT.replaceAll('/', '\\/'),
      SHORT.replaceAll('+', '\\u002b'),
    ])
      expect(masked(secret, `x=${form}&`)).toBe(`x=${MASK}&`)
    for (const other of [SHORT.replace('+', '/'), SHORT.replace('/', '+'), SHORT.replace('G', '_')])
      expect(masked(secret, other)).toBe(other)
  })

  it('is found wherever its lines are broken, and however the break is written', () => {
    for (const chars of [60, 66, 128, 194, 400]) {
      const base64 = Array.from(
        { length: chars },
        (_, i) => 'ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789'[(i * 7 + chars) % 62],
      ).join('')
      const secret = toEncodedBase64(base64)
      for (const end of ['\n', '\r\n', '\\n', '\\r\\n', '\\\\n', '%0A', '%0d%0a', '\n    ']) {
        for (let first = 1; first <= 64; first += 1) {
          const lines = [base64.slice(0, first), ...(base64.slice(first).match(/.{1,64}/g) ?? [])]
          expect(masked(secret, `key: ${lines.join(end)}!`)).toBe(`key: ${MASK}!`)
        }
      }
    }
  })
})
