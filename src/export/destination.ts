import { NativeMap } from '../builtins.js'
import { registerEndpoint } from './sockets.js'

/** Where spans go, below the base URL. */
const TRACES_PATH = '/opentelemetry/v1/traces'

/** Where this package sends to, below the base URL. */
const OWN_PATHS = [TRACES_PATH, '/session/', '/events', '/v1/'] as const

/** Those that are in use, by what was given for them. */
const destinations = new NativeMap<string, Destination>()

/** The addresses of one server. All tracers that send there have them in common, and as long as there is one they are known as our own. */
export class Destination {
  readonly origin: string
  /** Base URL without a trailing slash and without user info, fit for messages. */
  readonly baseUrl: string
  /** Full URL of the OTLP/HTTP endpoint for traces. */
  readonly tracesUrl: string
  readonly #given: string
  readonly #endpoints: readonly (() => void)[]
  #users = 0

  /** Use {@link share}. */
  private constructor(given: string, serverUrl: string, exportUrl: string | undefined) {
    const { origin, pathname } = new URL(serverUrl)
    this.#given = given
    this.origin = origin
    this.baseUrl = `${origin}${pathname.replace(/\/+$/, '')}`
    this.tracesUrl = exportUrl ?? `${this.baseUrl}${TRACES_PATH}`
    const own = OWN_PATHS.map((path) => registerEndpoint(`${this.baseUrl}${path}`))
    this.#endpoints = exportUrl === undefined ? own : [...own, registerEndpoint(exportUrl, { isExact: true })]
  }

  /**
   * Takes a share in the addresses of a server.
   *
   * @param exportUrl where spans go instead, exactly as given.
   */
  static share(serverUrl: string, exportUrl: string | undefined): Destination {
    const given = `${serverUrl} ${exportUrl ?? ''}`
    const destination = destinations.get(given) ?? new Destination(given, serverUrl, exportUrl)
    destinations.set(given, destination)
    destination.#users++
    return destination
  }

  /** Gives a share back. */
  release(): void {
    this.#users--
    if (this.#users > 0) return
    destinations.delete(this.#given)
    for (const unregister of this.#endpoints) unregister()
  }
}
