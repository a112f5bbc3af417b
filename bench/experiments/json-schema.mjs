/**
 * How much of the official JSON Schema test suite `jsonSchema` gets right (the required part of each draft).
 *
 *   git clone https://github.com/json-schema-org/JSON-Schema-Test-Suite suite
 *   npm run build && node bench/experiments/json-schema.mjs suite
 */
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { jsonSchema } from '../../dist/experiments.js'

const folder = process.argv[2]
if (folder === undefined) throw new Error('usage: json-schema.mjs <folder of the suite>')
const DRAFTS = { draft7: 'http://json-schema.org/draft-07/schema#', 'draft2020-12': 'https://json-schema.org/draft/2020-12/schema' }
for (const [draft, uri] of Object.entries(DRAFTS)) {
  for (const formats of [false, true]) {
    const counts = { right: 0, wrong: 0, refused: 0 }
    for (const file of readdirSync(join(folder, 'tests', draft)).filter((name) => name.endsWith('.json'))) {
      for (const { schema, tests } of JSON.parse(readFileSync(join(folder, 'tests', draft, file), 'utf8'))) {
        const evaluator = jsonSchema(typeof schema === 'object' ? { $schema: uri, ...schema } : schema, { formats })
        for (const { data, valid } of tests) {
          try {
            // As text: a string of the suite is a value, not JSON.
            const { score } = await evaluator(JSON.stringify(data), {}, undefined)
            counts[score === valid ? 'right' : 'wrong'] += 1
          } catch {
            counts.refused += 1
          }
        }
      }
    }
    const total = counts.right + counts.wrong + counts.refused
    console.log(
      `${draft}, formats ${formats ? 'checked' : 'as annotations'}: ${counts.right} of ${total} right, ${counts.wrong} wrong, ${counts.refused} refused`,
    )
  }
}
