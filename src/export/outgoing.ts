import { NativeSet } from '../builtins.js'
import type { ClientRequestArgs } from 'node:http'
import { ClientRequest } from './node-http.js'

/**
 * Begins one request of our own.
 *
 * `ClientRequest` is used directly because instrumentations replace `http.request` and `https.request`: a request made
 * here is invisible to them with or without a context manager, so it gets no trace headers and cannot feed back.
 */
export function beginRequest(options: ClientRequestArgs, given: Readonly<Record<string, string>>): ClientRequest {
  // The types know only the url form; Node's own `http.request` passes the options as they are.
  const request = new (ClientRequest as unknown as new (options: ClientRequestArgs) => ClientRequest)(options)
  return withoutPropagation(request, given)
}

/** What products add to each request of the process; our own requests are in no trace. */
const PROPAGATION: ReadonlySet<string> = new NativeSet(['traceparent', 'tracestate', 'baggage', 'sentry-trace', 'b3'])

/** Takes out what was added as the request was made (Node's diagnostics channels) and refuses what comes as it is written. */
function withoutPropagation(request: ClientRequest, given: Readonly<Record<string, string>>): ClientRequest {
  for (const name of PROPAGATION) if (request.hasHeader(name) && !Object.hasOwn(given, name)) request.removeHeader(name)
  const { setHeader } = request
  request.setHeader = (name, value) => (PROPAGATION.has(name.toLowerCase()) ? request : setHeader.call(request, name, value))
  return request
}

/** Host and port of a URL as requests take them. */
export function toHostOptions({ protocol, hostname, port }: URL): Pick<ClientRequestArgs, 'protocol' | 'hostname' | 'port'> {
  return { protocol, hostname: hostname.replace(/^\[|\]$/g, ''), port }
}
