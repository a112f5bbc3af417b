/** What the request headers of one tracer are made of. */
export interface HeaderOptions {
  readonly apiKey: string
  readonly source: string
  /** Version of this package. */
  readonly version: string
  /** Extra headers of the user; they cannot replace the ones set here. */
  readonly headers?: Readonly<Record<string, string>> | undefined
}

const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
/** Visible Latin-1 and tab: no line break can start another header. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/** Set by the transport for each request, so a user's header of the same name would contradict the bytes sent. */
const OWN_NAMES: ReadonlySet<string> = new Set([
  'authorization',
  'content-type',
  'content-length',
  'content-encoding',
  'transfer-encoding',
  'connection',
  'host',
])

/**
 * Headers of every request of one tracer.
 *
 * @throws TypeError when a name or a value cannot be sent, line breaks included. The message shows names, never values.
 */
export function toRequestHeaders({ apiKey, source, version, headers = {} }: HeaderOptions): Record<string, string> {
  return {
    ...toUserHeaders(headers),
    Authorization: checked('apiKey', `Bearer ${apiKey}`),
    // A label may hold any text; a header may not.
    'X-Source': VALUE.test(source) ? source : encodeURIComponent(source),
    'hh-client-package': 'honeyhive-tracer',
    'hh-client-version': version,
    'hh-client-language': 'typescript',
  }
}

function toUserHeaders(headers: Readonly<Record<string, string>>): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (!NAME.test(name)) throw new TypeError(`Invalid header name in "headers": ${JSON.stringify(name)}. Use letters, digits and dashes.`)
    if (OWN_NAMES.has(name.toLowerCase())) continue
    kept[name] = checked(`headers.${name}`, value)
  }
  return kept
}

function checked(option: string, value: string): string {
  if (VALUE.test(value)) return value
  throw new TypeError(`Invalid "${option}": it holds a character that cannot stand in a header. Remove line breaks and control characters.`)
}
