/** Most bytes that are kept for the next request; a larger one pays for its own room. */
const KEPT_BYTES = 2_097_152
const FIRST_BYTES = 65_536
/** Up to this many characters are written one by one, which costs less than a call into the engine. */
const SHORT_CHARS = 64
/** The same for bytes. */
const SHORT_BYTES = 24
/** UTF-16 units to bytes of UTF-8, at most. */
const MOST_BYTES_PER_UNIT = 3

const NO_BYTES = Buffer.alloc(0)

/** Collects bytes in one buffer that grows and is used again. */
export class ByteWriter {
  /** Made with the first byte. */
  #bytes = NO_BYTES
  #at = 0

  /** How many bytes there are. */
  get length(): number {
    return this.#at
  }

  /** Forgets what was written after `length`. */
  rewind(length: number): void {
    this.#at = length
  }

  /** Makes sure of room for `more` bytes. */
  reserve(more: number): void {
    if (this.#at + more > this.#bytes.length) this.#grow(more)
  }

  #grow(more: number): void {
    const larger = Buffer.allocUnsafeSlow(Math.max(FIRST_BYTES, 2 * this.#bytes.length, this.#at + more))
    larger.set(this.#bytes.subarray(0, this.#at))
    this.#bytes = larger
  }

  /** A byte in place of one that is there. */
  replace(at: number, byte: number): void {
    this.#bytes[at] = byte
  }

  byte(byte: number): void {
    this.reserve(1)
    this.#bytes[this.#at++] = byte
  }

  bytes(bytes: Uint8Array): void {
    const { length } = bytes
    this.reserve(length)
    if (length > SHORT_BYTES) this.#bytes.set(bytes, this.#at)
    else for (let i = 0; i < length; i++) this.#bytes[this.#at + i] = bytes[i] as number
    this.#at += length
  }

  /** Text of ASCII alone. */
  ascii(text: string): void {
    this.reserve(text.length)
    const bytes = this.#bytes
    let at = this.#at
    for (let i = 0; i < text.length; i++) bytes[at++] = text.charCodeAt(i)
    this.#at = at
  }

  /** Any text, as UTF-8. */
  text(text: string): void {
    this.reserve(text.length * MOST_BYTES_PER_UNIT)
    this.#at += this.#bytes.write(text, this.#at, 'utf8')
  }

  /** Writes a short text of printable ASCII that needs no escape in JSON; otherwise nothing, and says `false`. */
  simple(text: string): boolean {
    const { length } = text
    if (length > SHORT_CHARS) return false
    this.reserve(length)
    const bytes = this.#bytes
    let at = this.#at
    for (let i = 0; i < length; i++) {
      const code = text.charCodeAt(i)
      if (code < 0x20 || code > 0x7e || code === QUOTE || code === BACKSLASH) return false
      bytes[at++] = code
    }
    this.#at = at
    return true
  }

  /** The decimal digits of a whole number from 0 to 2^31 - 1, with zeros in front up to `width`. */
  digits(value: number, width = 1): void {
    this.reserve(MOST_DIGITS)
    let count = width
    for (let least = 10 ** width; value >= least; least *= 10) count++
    const bytes = this.#bytes
    this.#at += count
    let rest = value
    for (let i = 1; i <= count; i++) {
      const tenth = (rest / 10) | 0
      bytes[this.#at - i] = ZERO + rest - tenth * 10
      rest = tenth
    }
  }

  // ---- protobuf ---------------------------------------------------------------------------------------------------------

  /** A whole number from 0 to 2^32 - 1, seven bits a byte. */
  varint(value: number): void {
    this.reserve(MOST_VARINT_BYTES)
    let rest = value
    for (; rest > 0x7f; rest = rest >>> 7) this.#bytes[this.#at++] = (rest & 0x7f) | 0x80
    this.#bytes[this.#at++] = rest
  }

  /** Four bytes, the lowest first. */
  fixed32(value: number): void {
    this.reserve(4)
    this.#at = this.#bytes.writeUInt32LE(value, this.#at)
  }

  /** Eight bytes of a floating-point number. */
  double(value: number): void {
    this.reserve(8)
    this.#at = this.#bytes.writeDoubleLE(value, this.#at)
  }

  /** The bytes that hexadecimal digits stand for. */
  hex(digits: string): void {
    this.reserve(digits.length >> 1)
    for (let i = 0; i + 1 < digits.length; i += 2) {
      this.#bytes[this.#at++] = (toDigit(digits.charCodeAt(i)) << 4) | toDigit(digits.charCodeAt(i + 1))
    }
  }

  /** Keeps a place for the length of what follows; gives it back for `close`. */
  open(): number {
    this.byte(0)
    return this.#at
  }

  /** Writes how long what follows `from` has become. */
  close(from: number): void {
    const end = this.#at
    const length = end - from
    let extra = 0
    for (let rest = length >>> 7; rest > 0; rest = rest >>> 7) extra++
    if (extra > 0) {
      this.reserve(extra + MOST_VARINT_BYTES)
      this.#bytes.copyWithin(from + extra, from, end)
    }
    this.#at = from - 1
    this.varint(length)
    this.#at = end + extra
  }

  /** What was written from `from` on, copied. */
  copy(from = 0): Uint8Array {
    const copy = Buffer.allocUnsafe(this.#at - from)
    copy.set(this.#bytes.subarray(from, this.#at))
    return copy
  }

  /** Gives back all that was written and starts anew. */
  take(): Uint8Array {
    const taken = this.copy()
    this.#at = 0
    if (this.#bytes.length > KEPT_BYTES) this.#bytes = NO_BYTES
    return taken
  }
}

const QUOTE = 0x22
const BACKSLASH = 0x5c
const ZERO = 0x30
const MOST_DIGITS = 10
const MOST_VARINT_BYTES = 5

function toDigit(code: number): number {
  // Letters of either case follow 64 and 96.
  return code <= 0x39 ? code - ZERO : (code & 0x1f) + 9
}
