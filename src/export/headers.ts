import { toJsonText, NativeSet } from '../builtins.js'
import { VERSION } from '../version.js'

/** What the request headers of one tracer are made of. */
export interface HeaderOptions {
  /** `undefined` for a host that is not HoneyHive: it gets no key, and the user may give it credentials of its own. */
  readonly apiKey: string | undefined
  readonly source: string
  /** Extra headers of the user; they cannot replace the ones set here. A user agent goes in front of ours. */
  readonly headers?: Readonly<Record<string, string>> | undefined
}

/** Version of OpenTelemetry's OTLP packages that write the requests; a test keeps it equal to the installed one. */
const OTLP_VERSION = '0.223.0'
/** One text for all tracers. */
const USER_AGENT = `honeyhive-tracer/${VERSION} OTel-OTLP-Exporter-JavaScript/${OTLP_VERSION}`

const NAME = /^[!#$%&'*+.^_`|~0-9A-Za-z-]+$/
/** Visible Latin-1 and tab: no line break can start another header. */
const VALUE = /^[\t\x20-\x7e\x80-\xff]*$/

/** Set by the transport for each request, so a user's header of the same name would contradict the bytes sent. */
const OWN_NAMES: ReadonlySet<string> = new NativeSet([
  'user-agent',
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
export function toRequestHeaders(options: HeaderOptions): Readonly<Record<string, string>> {
  const { apiKey, source, headers = {} } = options
  if (apiKey !== undefined || Object.keys(headers).length > 0) return makeHeaders(options)
  if (usual?.source !== source) usual = { source, headers: Object.freeze(makeHeaders(options)) }
  return usual.headers
}

/** Of tracers without headers of their own: one object for all of a source. */
let usual: { readonly source: string; readonly headers: Readonly<Record<string, string>> } | undefined

function makeHeaders({ apiKey, source, headers = {} }: HeaderOptions): Record<string, string> {
  return {
    ...toUserHeaders(headers, apiKey !== undefined),
    'User-Agent': toUserAgent(headers),
    ...(apiKey === undefined ? {} : { Authorization: checked('apiKey', `Bearer ${apiKey}`) }),
    // A label may hold any text; a header may not.
    'X-Source': VALUE.test(source) ? source : encodeURIComponent(source),
    'hh-client-package': 'honeyhive-tracer',
    'hh-client-version': VERSION,
    'hh-client-language': 'typescript',
  }
}

/**
 * Product tokens, the user's first: a product in front is what the specification has for telling who sends.
 *
 * @see OTLP exporter specification, section "User Agent"
 */
function toUserAgent(headers: Readonly<Record<string, string>>): string {
  const given = Object.entries(headers).find(([name]) => name.toLowerCase() === 'user-agent')
  return given === undefined ? USER_AGENT : `${checked(`headers.${given[0]}`, given[1])} ${USER_AGENT}`
}

function toUserHeaders(headers: Readonly<Record<string, string>>, hasKey: boolean): Record<string, string> {
  const kept: Record<string, string> = {}
  for (const [name, value] of Object.entries(headers)) {
    if (!NAME.test(name)) throw new TypeError(`Invalid header name in "headers": ${toJsonText(name)}. Use letters, digits and dashes.`)
    if (OWN_NAMES.has(name.toLowerCase()) || (hasKey && name.toLowerCase() === 'authorization')) continue
    kept[name] = checked(`headers.${name}`, value)
  }
  return kept
}

function checked(option: string, value: string): string {
  if (VALUE.test(value)) return value
  throw new TypeError(`Invalid "${option}": it holds a character that cannot stand in a header. Remove line breaks and control characters.`)
}
