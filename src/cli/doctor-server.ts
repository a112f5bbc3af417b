import { DEFAULTS } from '../config/schema.js'
import type { Finding } from './finding.js'

const TIMEOUT_MS = 5_000
const TRACES_PATH = '/opentelemetry/v1/traces'

/** Looks at the key and the server of the environment by sending an empty export request. */
export async function checkServer(values: {
  readonly apiKey?: string | null | undefined
  readonly serverUrl?: string | null | undefined
}): Promise<Finding[]> {
  const serverUrl = (values.serverUrl ?? DEFAULTS.serverUrl).replace(/\/+$/, '')
  if (values.apiKey === undefined || values.apiKey === null) {
    const remedy = 'Set HH_API_KEY, or the option apiKey. Without an account: npx honeyhive-tracer dev.'
    return [{ level: 'problem', message: 'no API key: HH_API_KEY is not set', remedy }]
  }
  const key: Finding = { level: 'ok', message: `API key ${mask(values.apiKey)} from HH_API_KEY` }
  return [key, await tryServer(serverUrl, values.apiKey)]
}

async function tryServer(serverUrl: string, apiKey: string): Promise<Finding> {
  const headers = { authorization: `Bearer ${apiKey}`, 'content-type': 'application/json' }
  try {
    const response = await fetch(`${serverUrl}${TRACES_PATH}`, {
      method: 'POST',
      headers,
      body: '{"resourceSpans":[]}',
      redirect: 'manual',
      signal: AbortSignal.timeout(TIMEOUT_MS),
    })
    return judge(serverUrl, response)
  } catch {
    // The error's own text may quote the request's headers.
    return {
      level: 'problem',
      message: `${serverUrl} does not answer`,
      remedy: 'Check HH_API_URL, the network and proxies; for a local server run npx honeyhive-tracer dev.',
    }
  }
}

function judge(serverUrl: string, { status, headers }: Response): Finding {
  if (status === 401 || status === 403) {
    return {
      level: 'problem',
      message: `${serverUrl} rejects the API key (${status})`,
      remedy: 'Take the key of the right project, and check that HH_API_URL is its data plane.',
    }
  }
  const isPage = headers.get('content-type')?.includes('text/html') === true
  if (status === 404 || isPage || (status >= 300 && status < 400)) {
    const message = `${serverUrl} is not a HoneyHive server (${isPage ? 'answers with a web page' : status})`
    return { level: 'problem', message, remedy: `Check HH_API_URL; the default is ${DEFAULTS.serverUrl}.` }
  }
  if (status >= 400) return { level: 'warning', message: `${serverUrl} answers ${status} to an empty export`, remedy: 'Try again later.' }
  return { level: 'ok', message: `${serverUrl} accepts the key` }
}

function mask(key: string): string {
  return key.length < 12 ? '(set)' : `${key.slice(0, 4)}…${key.slice(-4)}`
}
