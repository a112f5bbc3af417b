/** An event of AWS's event stream: lengths, headers, JSON, and a checksum of each half. */
export function toEventFrame(name: string, value: unknown): Buffer {
  const headers = Buffer.concat([
    toHeader(':event-type', name),
    toHeader(':content-type', 'application/json'),
    toHeader(':message-type', 'event'),
  ])
  const payload = Buffer.from(JSON.stringify(value))
  const prelude = Buffer.alloc(8)
  prelude.writeUInt32BE(16 + headers.length + payload.length, 0)
  prelude.writeUInt32BE(headers.length, 4)
  const checked = Buffer.concat([prelude, toChecksum(prelude), headers, payload])
  return Buffer.concat([checked, toChecksum(checked)])
}

const TEXT = 7

function toHeader(name: string, value: string): Buffer {
  const length = Buffer.alloc(2)
  length.writeUInt16BE(Buffer.byteLength(value))
  return Buffer.concat([Buffer.from([name.length]), Buffer.from(name), Buffer.from([TEXT]), length, Buffer.from(value)])
}

/** CRC-32, which zlib has only from Node 22.2 on. */
function toChecksum(bytes: Buffer): Buffer {
  let sum = 0xffffffff
  for (const byte of bytes) {
    sum ^= byte
    for (let bit = 0; bit < 8; bit++) sum = (sum >>> 1) ^ (sum & 1 ? 0xedb88320 : 0)
  }
  const checksum = Buffer.alloc(4)
  checksum.writeUInt32BE((sum ^ 0xffffffff) >>> 0)
  return checksum
}
