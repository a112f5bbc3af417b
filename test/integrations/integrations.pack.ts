import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { installGroups } from '../fixtures/group-install.js'
import { describeIntegration } from './describe-integration.js'
import { startModelServer } from './model-server.js'
import { startSpanReceiver } from './receiver.js'
import { readGroups, titleOf } from './row.js'
import type { Servers } from './run-row.js'

// ROWS: only the rows whose folder and program begin so, e.g. `models/anthropic`.
const wanted = process.env['ROWS'] ?? ''
const groups = (await readGroups())
  .map(({ folder, rows }) => ({ folder, rows: rows.filter(({ program }) => `${folder}/${program}`.startsWith(wanted)) }))
  .filter(({ rows }) => rows.length > 0)

let servers: Servers
beforeAll(async () => {
  servers = { model: await startModelServer(), receiver: await startSpanReceiver() }
  await installGroups(groups.map(({ folder, rows }) => ({ folder: join(import.meta.dirname, folder), node: rows[0]?.node })))
})
afterAll(async () => {
  await Promise.all([servers.model.close(), servers.receiver.close()])
})

for (const { folder, rows } of groups) {
  const lock = JSON.parse(readFileSync(join(import.meta.dirname, folder, 'package-lock.json'), 'utf8'))
  for (const row of rows) describeIntegration(folder, row, titleOf(row, lock), () => servers)
}
