import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { installGroups } from '../fixtures/group-install.js'
import { describeIntegration } from './describe-integration.js'
import { toEvents } from './features.js'
import { startModelServer } from './model-server.js'
import { startSpanReceiver } from './receiver.js'
import { readRecipes, runRecipe } from './recipes.js'
import { readGroups, titleOf } from './row.js'
import type { Servers } from './run-row.js'
import { createServerSuite } from './server-suite.js'

// ROWS: only the rows whose folder and program begin so, e.g. `models/anthropic`.
const wanted = process.env['ROWS'] ?? ''
const groups = (await readGroups())
  .map(({ folder, rows }) => ({ folder, rows: rows.filter(({ program }) => `${folder}/${program}`.startsWith(wanted)) }))
  .filter(({ rows }) => rows.length > 0)
const serverSuite = await createServerSuite(wanted)

let servers: Servers
beforeAll(async () => {
  servers = { model: await startModelServer(), receiver: await startSpanReceiver() }
  const folders = groups.map(({ folder, rows }) => ({ folder: join(import.meta.dirname, folder), node: rows[0]?.node }))
  await installGroups([...folders, ...serverSuite.groups])
  await serverSuite.start(servers)
})
afterAll(async () => {
  await Promise.all([servers.model.close(), servers.receiver.close(), serverSuite.close()])
})

for (const { folder, rows } of groups) {
  const lock = JSON.parse(readFileSync(join(import.meta.dirname, folder, 'package-lock.json'), 'utf8'))
  for (const row of rows) describeIntegration(folder, row, titleOf(row, lock), () => servers)
}

const recipes = (await readRecipes()).filter(({ folder }) => groups.some((group) => group.folder === folder))
// Their keys are those of the page, so two of them at a time would share a project.
describe.skipIf(recipes.length === 0 || wanted.includes('/'))('programs of docs/integrations', () => {
  for (const recipe of recipes) {
    test(recipe.title, async () => {
      const spans = await runRecipe(recipe, servers)
      for (const key of recipe.apiKeys) {
        const calls = toEvents(spans[key] ?? []).filter(({ type }) => type === 'model' || type === 'tool')
        const told = calls.filter(({ body }) => Object.keys(body.inputs).length > 0 && Object.keys(body.outputs).length > 0)
        expect({ key, told: told.length }).toEqual({ key, told: 1 })
      }
    })
  }
})
serverSuite.declare()
