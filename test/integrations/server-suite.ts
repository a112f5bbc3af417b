import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { type DataServer, findPostgres, findRedis, type Startable } from '../fixtures/data-servers.js'
import type { Group } from '../fixtures/group-install.js'
import { createPrograms, describeClient, describeServer, type ServerRows } from './describe-server.js'
import type { SpanReceiver } from './receiver.js'
import { CLIENT_ROWS, SERVER_GROUPS, SERVER_ROWS, serverTitle } from './server-row.js'

/** The rows of servers and their clients. */
export interface ServerSuite {
  /** Folders whose packages they need. */
  readonly groups: readonly Group[]
  /** Starts the databases that are there. */
  start(receiver: SpanReceiver): Promise<void>
  close(): Promise<void>
  /** Declares the tests. */
  declare(): void
}

/** @param wanted how folder and framework, or folder and client, begin. */
export function createServerSuite(wanted: string): ServerSuite {
  const isWanted = (folder: string, name: string): boolean => `${folder}/${name}`.startsWith(wanted)
  const chosen = SERVER_GROUPS.map((group) => ({
    group,
    servers: SERVER_ROWS.filter(({ framework }) => isWanted(group.folder, framework)),
    clients: CLIENT_ROWS.filter(({ library }) => isWanted(group.folder, library)),
  })).filter(({ servers, clients }) => servers.length + clients.length > 0)
  const databases = { postgres: findPostgres(), redis: findRedis() }
  const open: DataServer[] = []
  let shared: ServerRows | undefined
  const getShared = (): ServerRows => {
    if (shared === undefined) throw new Error('The suite was not started.')
    return shared
  }

  return {
    groups: chosen.map(({ group: { folder, node } }) => ({ folder: join(import.meta.dirname, folder), node })),
    async start(receiver) {
      if (chosen.length === 0) return
      const urlOf = async (database: Startable): Promise<string | undefined> => {
        if ('missing' in database) return undefined
        const server = await database.start()
        open.push(server)
        return server.url
      }
      shared = { receiver, databases: { postgres: await urlOf(databases.postgres), redis: await urlOf(databases.redis) } }
    },
    async close() {
      await Promise.all(open.map((server) => server.close()))
    },
    declare() {
      const programs = createPrograms(getShared)
      for (const { group, servers, clients } of chosen) {
        const lock = JSON.parse(readFileSync(join(import.meta.dirname, group.folder, 'package-lock.json'), 'utf8'))
        for (const row of servers)
          for (const side of group.sides)
            describeServer(group, row.framework, side, serverTitle(row, group, side, lock), programs, getShared)
        for (const row of clients) {
          const needed = row.needs === undefined ? undefined : databases[row.needs]
          const missing = needed !== undefined && 'missing' in needed ? needed.missing : undefined
          describeClient(group, row, serverTitle(row, group, undefined, lock), missing, programs)
        }
      }
    },
  }
}
