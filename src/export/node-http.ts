import type * as NodeHttp from 'node:http'
import type * as NodeHttps from 'node:https'
import nodeModule from 'node:module'

/**
 * What is used of `node:http` and `node:https`, without an `import` of them: that reads every export, and one of `node:http` loads undici
 * when it is read (Node 22 and later, a third of the time that the package took to load).
 */

// Node before 20.16 has no `getBuiltinModule`; where a bundle stands is not always known, and makes no difference to Node's own modules.
const load: (id: string) => unknown = process.getBuiltinModule ?? nodeModule.createRequire(process.execPath)

const http = load('node:http') as typeof NodeHttp
const https = load('node:https') as typeof NodeHttps

export const HttpAgent: typeof NodeHttp.Agent = http.Agent
export type HttpAgent = NodeHttp.Agent
export const HttpsAgent: typeof NodeHttps.Agent = https.Agent
export type HttpsAgent = NodeHttps.Agent
export const ClientRequest: typeof NodeHttp.ClientRequest = http.ClientRequest
export type ClientRequest = NodeHttp.ClientRequest
