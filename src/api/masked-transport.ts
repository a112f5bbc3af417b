import type { Transport, TransportRequest } from '../export/transport.js'

type Mask = (text: string) => string

/** `transport` with `mask` over the paths and the JSON bodies of its requests, so that what a caller wrote anywhere is covered. */
export function withMask(transport: Transport, mask: Mask): Transport {
  return new MaskedTransport(transport, mask)
}

class MaskedTransport implements Transport {
  readonly #transport: Transport
  readonly #mask: Mask

  constructor(transport: Transport, mask: Mask) {
    this.#transport = transport
    this.#mask = mask
  }

  get baseUrl(): string {
    return this.#transport.baseUrl
  }

  get hasRenewableKey(): boolean | undefined {
    return this.#transport.hasRenewableKey
  }

  send(request: TransportRequest): ReturnType<Transport['send']> {
    const { body, url } = request
    const { baseUrl } = this.#transport
    const path = baseUrl + this.#mask(url.slice(baseUrl.length))
    return this.#transport.send(
      body === undefined ? { ...request, url: path } : { ...request, url: path, body: maskBody(body, this.#mask) },
    )
  }

  close(): void {
    this.#transport.close()
  }
}

function maskBody(body: Uint8Array, mask: Mask): Uint8Array {
  const text = Buffer.from(body.buffer, body.byteOffset, body.byteLength).toString('utf8')
  const shown = mask(text)
  return shown === text ? body : Buffer.from(shown)
}
