// Type-checks every TypeScript project of this repository in turn: `node scripts/typecheck.mjs [project ...]`.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'
import { createRequire } from 'node:module'

const tsc = createRequire(import.meta.url).resolve('typescript/bin/tsc')
const known = ['tsconfig.json', 'test/tsconfig.json', 'src/dev/page/tsconfig.json', 'test/types/legacy/tsconfig.json']
const wanted = process.argv.slice(2)

let failed = false
for (const project of wanted.length > 0 ? wanted : known.filter((file) => existsSync(file))) {
  const { status } = spawnSync(process.execPath, [tsc, '-p', project, '--noEmit', '--pretty', 'false'], { stdio: 'inherit' })
  process.stdout.write(`types ${status === 0 ? 'ok    ' : 'FAILED'} ${project}\n`)
  failed ||= status !== 0
}
process.exitCode = failed ? 1 : 0
