/** Why a request got no connection, for a message. */
export interface ConnectionFailure {
  readonly message: string
  /** Whether it lasts until somebody changes a setting or the server. */
  readonly isLasting: boolean
}

/** What to do about a failure that lasts, by the code Node gives it. */
const ADVICE: readonly (readonly [codes: RegExp, advice: string])[] = [
  [
    /SELF_SIGNED|UNABLE_TO_(GET|VERIFY|DECODE)|CERT_UNTRUSTED|CERT_REJECTED|CERT_CHAIN_TOO_LONG|CERT_SIGNATURE_FAILURE|INVALID_CA|UNKNOWN_?ISSUER/i,
    'nobody who is trusted vouches for its certificate. Give its certificate authority as `ca`, or to Node with NODE_EXTRA_CA_CERTS or --use-system-ca',
  ],
  [
    /ALTNAME_INVALID|HOSTNAME_MISMATCH/,
    'its certificate is for another name. Check `serverUrl` (HH_API_URL) and `exportUrl` (HH_EXPORT_URL)',
  ],
  [/CERT_(HAS_EXPIRED|NOT_YET_VALID)/, 'its certificate is not valid now. Check when it ends, and the clock of this machine'],
  [/CERTIFICATE_REQUIRED/, 'it asks for a certificate of the client. Give an https.Agent with `cert` and `key` as `agent`'],
  [/WRONG_VERSION_NUMBER|EPROTO/, 'it does not speak TLS there. Check the protocol and port of `serverUrl` (HH_API_URL) and `proxy`'],
  [
    /ERR_INVALID_PROTOCOL/,
    'the `agent` is for another protocol than the address. Give an https.Agent for https:, an http.Agent for http:, or a function that gives the one for a URL',
  ],
]

/** The failure as a message says it: Node's code, and what to do where that is known; never its text, which may quote addresses. */
export function describeFailure(error: unknown): ConnectionFailure {
  const code = error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : undefined
  if (code === undefined) return { message: 'the connection failed', isLasting: false }
  const advice = ADVICE.find(([codes]) => codes.test(code))?.[1]
  const message = `the connection failed (${code})`
  return advice === undefined ? { message, isLasting: false } : { message: `${message}: ${advice}`, isLasting: true }
}
