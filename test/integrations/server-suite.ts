import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { type DataServer, findPostgres, findRedis, type Startable } from '../fixtures/data-servers.js'
import type { Group } from '../fixtures/group-install.js'
import { createPrograms, describeClient, describeServer, type ServerRows } from './describe-server.js'
import { type Recipe, readRecipes, runRecipe } from './recipes.js'
import type { Servers } from './run-row.js'
import { CLIENT_ROWS, SERVER_GROUPS, SERVER_ROWS, serverTitle } from './server-row.js'

/** The rows of servers and their clients. */
export interface ServerSuite {
  /** Folders whose packages they need. */
  readonly groups: readonly Group[]
  /** Starts the databases that are there. */
  start(servers: Servers): Promise<void>
  close(): Promise<void>
  /** Declares the tests. */
  declare(): void
}

/** @param wanted how folder and framework, or folder and client, begin. */
export async function createServerSuite(wanted: string): Promise<ServerSuite> {
  const allRecipes = await readRecipes()
  const isWanted = (folder: string, name: string): boolean => `${folder}/${name}`.startsWith(wanted)
  const chosen = SERVER_GROUPS.map((group) => ({
    group,
    servers: SERVER_ROWS.filter(({ framework }) => isWanted(group.folder, framework)),
    clients: CLIENT_ROWS.filter(({ library }) => isWanted(group.folder, library)),
    recipes: isWanted(group.folder, 'recipes') ? allRecipes.filter(({ folder }) => folder === group.folder) : [],
  })).filter(({ servers, clients, recipes: programs }) => servers.length + clients.length + programs.length > 0)
  const databases = { postgres: findPostgres(), redis: findRedis() }
  const open: DataServer[] = []
  let running: Servers | undefined
  let shared: ServerRows | undefined
  const getShared = (): ServerRows => {
    if (shared === undefined) throw new Error('The suite was not started.')
    return shared
  }

  return {
    groups: chosen.map(({ group: { folder, node } }) => ({ folder: join(import.meta.dirname, folder), node })),
    async start(servers) {
      if (chosen.length === 0) return
      running = servers
      const urlOf = async (database: Startable): Promise<string | undefined> => {
        if ('missing' in database) return undefined
        const server = await database.start()
        open.push(server)
        return server.url
      }
      shared = { receiver: servers.receiver, databases: { postgres: await urlOf(databases.postgres), redis: await urlOf(databases.redis) } }
    },
    async close() {
      await Promise.all(open.map((server) => server.close()))
    },
    declare() {
      const programs = createPrograms(getShared)
      for (const { group, servers, clients, recipes: programsOfPages } of chosen) {
        const lock = JSON.parse(readFileSync(join(import.meta.dirname, group.folder, 'package-lock.json'), 'utf8'))
        for (const row of servers)
          for (const side of group.sides)
            describeServer(group, row.framework, side, serverTitle(row, group, side, lock), programs, getShared)
        for (const row of clients) {
          const needed = row.needs === undefined ? undefined : databases[row.needs]
          const missing = needed !== undefined && 'missing' in needed ? needed.missing : undefined
          describeClient(group, row, serverTitle(row, group, undefined, lock), missing, programs)
        }
        describeRecipes(programsOfPages, () => running)
      }
    },
  }
}

/** Programs of the documentation: each tracer gets whole trees. */
function describeRecipes(recipes: readonly Recipe[], servers: () => Servers | undefined): void {
  if (recipes.length === 0) return
  // Their keys are those of the page, so two of them at a time would share a project.
  describe('programs of docs/integrations/opentelemetry.md', () => {
    for (const recipe of recipes) {
      test(recipe.title, async () => {
        const started = servers()
        if (started === undefined) throw new Error('The suite was not started.')
        for (const [key, spans] of Object.entries(await runRecipe(recipe, started))) {
          const known = new Set(['', ...spans.map(({ spanId }) => spanId)])
          expect({ key, orphans: spans.filter(({ parentSpanId }) => !known.has(parentSpanId)), isEmpty: spans.length === 0 }).toEqual({
            key,
            orphans: [],
            isEmpty: false,
          })
        }
      })
    }
  })
}
