import { existsSync } from 'node:fs'
import { HoneyHiveError } from '../errors.js'

/** Which local server a command reads. */
export interface ServerFlags {
  readonly url: string
  readonly db?: string
}

/** Options every command that reads a local server has. */
export const SERVER_OPTIONS: readonly (readonly [flags: string, description: string, fallback?: string])[] = [
  ['--url <url>', 'address of a running local server', 'http://127.0.0.1:4319'],
  ['--db <file>', 'read this database instead of a running server'],
]

/** Runs `read` with the address of a local server: a running one, or one that is opened on a database for it. */
export async function withServer<T>({ url, db }: ServerFlags, read: (baseUrl: string) => Promise<T>): Promise<T> {
  if (db === undefined) return read(url.replace(/\/+$/, ''))
  if (db !== ':memory:' && !existsSync(db)) throw new HoneyHiveError('DEV_SERVER', `There is no database "${db}".`)
  const { startDevServer } = await import('../dev/server.js')
  const server = await startDevServer({ port: 0, database: db })
  try {
    return await read(server.url)
  } finally {
    await server.close()
  }
}

/**
 * Asks a local server for JSON.
 *
 * @throws HoneyHiveError when it does not answer or refuses.
 */
export async function getJson<T>(baseUrl: string, path: string): Promise<T> {
  const response = await ask(baseUrl, path)
  if (!response.ok)
    throw new HoneyHiveError('HTTP_STATUS', `${baseUrl}${path} answered ${response.status}. Is this a honeyhive-tracer dev server?`)
  return (await response.json()) as T
}

async function ask(baseUrl: string, path: string): Promise<Response> {
  try {
    return await fetch(`${baseUrl}${path}`)
  } catch (cause) {
    throw new HoneyHiveError('HTTP_NETWORK', `No local server at ${baseUrl}. Start one with "npx honeyhive-tracer dev", or give --db.`, {
      cause,
    })
  }
}
