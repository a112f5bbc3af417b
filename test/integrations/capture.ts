// Writes what a row's library and instrumentor put on their spans into a fixture of the semantics:
// npx tsx test/integrations/capture.ts models bedrock-openinference.mjs chat,tools,invoke openinference-bedrock
import { writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { startModelServer } from './model-server.js'
import { startSpanReceiver } from './receiver.js'
import { readGroups } from './row.js'
import { runPlain } from './run-row.js'

const [folder = '', file = '', cases = '', name = ''] = process.argv.slice(2)
const group = (await readGroups()).find((candidate) => candidate.folder === folder)
const row = group?.rows.find(({ program, format }) => file === `${program}.${format === 'esm' ? 'mjs' : 'cjs'}`)
if (row === undefined) throw new Error(`No row is ${folder}/${file}.`)
const servers = { model: await startModelServer(), receiver: await startSpanReceiver() }
const { spans } = await runPlain(folder, row, { cases: cases.split(','), load: 0, mixed: [] }, servers)
const theirs = spans.filter(({ scope }) => scope !== 'application')
const ids = theirs.map(({ spanId }) => spanId)
const recorded = theirs.map(({ name, spanId, parentSpanId, attributes, events, scope }) => ({
  id: ids.indexOf(spanId),
  parent: ids.indexOf(parentSpanId),
  name,
  scope,
  // Which request it belongs to is said by the control, not by the instrumentor.
  attributes: Object.fromEntries(Object.entries(attributes).filter(([key]) => key !== 'request')),
  events,
}))
const text = JSON.stringify({ spans: recorded }, null, 2)
writeFileSync(join(import.meta.dirname, '../semantics/fixtures', `${name}.json`), `${text}\n`)
await Promise.all([servers.model.close(), servers.receiver.close()])
