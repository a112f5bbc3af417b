import type { Transport } from '../export/transport.js'

/** `transport` with `mask` over the paths and the JSON bodies of its requests, so that what a caller wrote anywhere is covered. */
export function withMask(transport: Transport, mask: (text: string) => string): Transport {
  return {
    baseUrl: transport.baseUrl,
    hasRenewableKey: transport.hasRenewableKey,
    send: (request) => {
      const { body, url } = request
      const path = transport.baseUrl + mask(url.slice(transport.baseUrl.length))
      return transport.send(body === undefined ? { ...request, url: path } : { ...request, url: path, body: maskBody(body, mask) })
    },
    close: () => transport.close(),
  }
}

function maskBody(body: Uint8Array, mask: (text: string) => string): Uint8Array {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8')
  const shown = mask(text)
  return shown === text ? body : Buffer.from(shown)
}
