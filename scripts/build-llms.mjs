// Writes llms.txt, the list of pages for coding assistants, from the table of docs/README.md; with --check it only says whether it is current.
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const root = resolve(import.meta.dirname, '..')
const file = join(root, 'llms.txt')
const { description } = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8'))

const rows = [...readFileSync(join(root, 'docs/README.md'), 'utf8').matchAll(/^\| ([^|]+\?) \| (.+) \|$/gm)]
const links = rows.flatMap(([, question, cell]) =>
  [...cell.matchAll(/\[([^\]]+)\]\(([^)]+\.md)\)/g)].map(([, name, target], index) => {
    const path = join('docs', target).replaceAll('\\', '/')
    return index === 0 ? `- [${question}](${path})` : `- [${name.replaceAll('`', '')}](${path})`
  }),
)
const text = `# honeyhive-tracer

> ${description}

Import \`HoneyHiveTracer\`, \`trace\`, \`traceFn\`, \`enrichSpan\` from \`honeyhive-tracer\`; \`evaluate\` from \`honeyhive-tracer/experiments\`;
\`createTestTracer\` from \`honeyhive-tracer/testing\`. A tracer is made by \`HoneyHiveTracer.init({ … })\`, synchronously, once for each module, and is
given by name (\`tracer\`) to what it records. There is no default export. Names are in camelCase; a wrong option is an error that says what to write.
Paths are those of the package: the pages and examples are in \`node_modules/honeyhive-tracer\`.

## Pages

${links.join('\n')}

## Programs

- [One runnable file for each pattern](examples)
- [What is new in each version](CHANGELOG.md)
`

if (!process.argv.includes('--check')) writeFileSync(file, text)
else if (readFileSync(file, 'utf8') !== text) {
  process.stdout.write('llms.txt is not current: npm run llms\n')
  process.exitCode = 1
} else process.stdout.write('llms.txt is current\n')
