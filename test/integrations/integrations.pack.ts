import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { afterAll, beforeAll } from 'vitest'
import { installGroups } from '../fixtures/group-install.js'
import { describeIntegration } from './describe-integration.js'
import { startModelServer } from './model-server.js'
import { startSpanReceiver } from './receiver.js'
import { readGroups, titleOf } from './row.js'
import type { Servers } from './run-row.js'
import { createServerSuite } from './server-suite.js'

// ROWS: only the rows whose folder and program begin so, e.g. `models/anthropic`.
const wanted = process.env['ROWS'] ?? ''
const groups = (await readGroups())
  .map(({ folder, rows }) => ({ folder, rows: rows.filter(({ program }) => `${folder}/${program}`.startsWith(wanted)) }))
  .filter(({ rows }) => rows.length > 0)
const serverSuite = createServerSuite(wanted)

let servers: Servers
beforeAll(async () => {
  servers = { model: await startModelServer(), receiver: await startSpanReceiver() }
  const folders = groups.map(({ folder, rows }) => ({ folder: join(import.meta.dirname, folder), node: rows[0]?.node }))
  await installGroups([...folders, ...serverSuite.groups])
  await serverSuite.start(servers.receiver)
})
afterAll(async () => {
  await Promise.all([servers.model.close(), servers.receiver.close(), serverSuite.close()])
})

for (const { folder, rows } of groups) {
  const lock = JSON.parse(readFileSync(join(import.meta.dirname, folder, 'package-lock.json'), 'utf8'))
  for (const row of rows) describeIntegration(folder, row, titleOf(row, lock), () => servers)
}
serverSuite.declare()
