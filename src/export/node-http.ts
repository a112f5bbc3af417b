import type * as NodeHttp from 'node:http'
import type * as NodeHttps from 'node:https'
import nodeModule from 'node:module'

/**
 * What is used of `node:http` and `node:https`, without an `import` of them: that reads every export, and one of `node:http` loads undici
 * when it is read (Node 22 and later, half of the time that the package took to load).
 */

const { _load: loadUnseen } = nodeModule as { readonly _load?: (id: string) => unknown }

// By `_load`, as `require` and `process.getBuiltinModule` are where instrumentations listen: they would instrument the host's requests
// because this package was loaded. Bun gives nothing by it, and Workers refuse.
function load(id: string): unknown {
  try {
    const loaded = loadUnseen?.(id)
    if (loaded !== undefined) return loaded
  } catch {
    // One of the others has it.
  }
  return process.getBuiltinModule?.(id) ?? nodeModule.createRequire(process.execPath)(id)
}

const http = load('node:http') as typeof NodeHttp
const https = load('node:https') as typeof NodeHttps

export const HttpAgent: typeof NodeHttp.Agent = http.Agent
export type HttpAgent = NodeHttp.Agent
export const HttpsAgent: typeof NodeHttps.Agent = https.Agent
export type HttpsAgent = NodeHttps.Agent
export const ClientRequest: typeof NodeHttp.ClientRequest = http.ClientRequest
export type ClientRequest = NodeHttp.ClientRequest
