/** Who may talk to the server: loopback only, by name, never from another site. */
import type { IncomingMessage } from 'node:http'
import { HoneyHiveError } from '../../errors.js'
import { HttpError } from './http-error.js'

/** Where to listen, and whether that may be anything but loopback. */
export interface BindOptions {
  readonly host: string
  readonly dangerouslyBindAllInterfaces: boolean
}

/**
 * The address to bind. Only loopback spellings pass; everything else, wildcards in any spelling included, needs
 * `dangerouslyBindAllInterfaces: true`.
 *
 * @throws HoneyHiveError `DEV_SERVER` otherwise.
 */
export function resolveBindHost({ host, dangerouslyBindAllInterfaces }: BindOptions): string {
  const name = host
    .normalize('NFKC')
    .trim()
    .toLowerCase()
    .replace(/^\[(.*)\]$/, '$1')
  if (name === 'localhost') return '127.0.0.1'
  if (name === '::1' || /^127\.\d{1,3}\.\d{1,3}\.\d{1,3}$/.test(name)) return name
  if (dangerouslyBindAllInterfaces === true) return name
  throw new HoneyHiveError(
    'DEV_SERVER',
    `host "${host}" is not a loopback address. The server has no login: use 127.0.0.1, or set dangerouslyBindAllInterfaces: true if everybody on the network may read it.`,
  )
}

/**
 * Looks at a request before anything else of it is used.
 *
 * @throws HttpError when the request may not be answered.
 */
export type Guard = (request: IncomingMessage) => void

/** Names the server answers to, in addition to the loopback ones. */
export interface GuardOptions {
  readonly port: number
  readonly bindHost: string
  readonly allowedHosts: readonly string[]
}

/** Builds the guard of a server that listens on `port`. */
export function createGuard({ port, bindHost, allowedHosts }: GuardOptions): Guard {
  const names = [
    'localhost',
    '127.0.0.1',
    '[::1]',
    bindHost.includes(':') ? `[${bindHost}]` : bindHost,
    ...allowedHosts.map((name) => name.toLowerCase()),
  ]
  const authorities = new Set(names.flatMap((name) => (port === 80 ? [name, `${name}:80`] : [`${name}:${port}`])))
  const origins = new Set([...authorities].map((authority) => `http://${authority}`))

  return (request) => {
    checkTarget(request)
    checkHost(request, authorities)
    checkOrigin(request, origins)
  }
}

/** Only plain paths, whose parts can neither leave the tree nor hide a separator. */
function checkTarget({ url = '' }: IncomingMessage): void {
  if (!url.startsWith('/') || url.startsWith('//')) throw new HttpError(400, 'Only plain paths are served')
  const [path = ''] = url.split('?', 1)
  if (!path.split('/').every(isPlainPart)) throw new HttpError(400, 'The path is not valid')
}

function isPlainPart(part: string): boolean {
  try {
    const decoded = decodeURIComponent(part)
    return decoded !== '.' && decoded !== '..' && !/[/\\\u0000-\u001f]/.test(decoded)
  } catch {
    return false
  }
}

function checkHost({ rawHeaders, headers }: IncomingMessage, authorities: ReadonlySet<string>): void {
  const hosts = rawHeaders.filter((name, index) => index % 2 === 0 && name.toLowerCase() === 'host')
  if (hosts.length !== 1 || !authorities.has((headers.host ?? '').toLowerCase())) {
    throw new HttpError(403, 'This Host is not served. Use the address the server printed.')
  }
}

function checkOrigin({ headers, method, url = '/' }: IncomingMessage, origins: ReadonlySet<string>): void {
  const { origin } = headers
  if (origin !== undefined && !origins.has(origin.toLowerCase())) throw new HttpError(403, 'Requests from other sites are refused')
  const site = headers['sec-fetch-site']
  if (site !== 'cross-site' && site !== 'same-site') return
  // Following a link to the page is fine: the page itself holds no data.
  const opensPage =
    method === 'GET' && headers['sec-fetch-mode'] === 'navigate' && headers['sec-fetch-dest'] === 'document' && !isDataPath(url)
  if (!opensPage) throw new HttpError(403, 'Requests from other sites are refused')
}

/** Whether a path is, or looks like, one of the API: what is not there is answered in JSON, never with the page. */
export function isDataPath(url: string): boolean {
  return /^\/(api|v1|events|session|runs|datasets|datapoints|opentelemetry|nextjs|metrics|configurations|charts|queues|projects|tools|dataset|evaluations)(\/|\?|$)/.test(
    url,
  )
}

/** Sent with every answer. */
export const SECURITY_HEADERS: Readonly<Record<string, string>> = {
  'content-security-policy':
    "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; media-src data:; font-src 'self'; connect-src 'self'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'",
  'x-content-type-options': 'nosniff',
  'x-frame-options': 'DENY',
  'referrer-policy': 'no-referrer',
  'cross-origin-resource-policy': 'same-origin',
  'cross-origin-opener-policy': 'same-origin',
}
