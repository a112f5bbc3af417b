/**
 * Makes json-schema.json: the required part of the official JSON Schema test suite (MIT licence) for two drafts.
 *
 *   git clone https://github.com/json-schema-org/JSON-Schema-Test-Suite suite && git -C suite checkout 44401e0
 *   node test/experiments/reference/make-json-schema.mjs suite > test/experiments/reference/json-schema.json
 */
import { execFileSync } from 'node:child_process'
import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'

const [, , suite = 'suite'] = process.argv
const commit = execFileSync('git', ['-C', suite, 'rev-parse', 'HEAD'], { encoding: 'utf8' }).trim()

/** Groups of a draft, each `[file, schema, [[data, valid], …]]`. */
function read(draft) {
  const folder = join(suite, 'tests', draft)
  const files = readdirSync(folder).filter((name) => name.endsWith('.json'))
  return files.flatMap((file) =>
    JSON.parse(readFileSync(join(folder, file), 'utf8')).map(({ schema, tests }) =>
      // One line each, so that a new version of the suite shows what it changes.
      JSON.stringify([file, schema, tests.map(({ data, valid }) => [data, valid])]),
    ),
  )
}

const lists = ['draft7', 'draft2020-12'].map((draft) => `"${draft}": [\n${read(draft).join(',\n')}\n]`)
process.stdout.write(`{"source": "json-schema-org/JSON-Schema-Test-Suite@${commit}",\n${lists.join(',\n')}\n}\n`)
