// Writes the tables of docs/configuration.md from the documentation of src/config/options.ts; with --check only compares.
// node scripts/build-config-docs.mjs [--check]
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import ts from 'typescript'

const root = resolve(import.meta.dirname, '..')
const page = join(root, 'docs/configuration.md')
const START = '<!-- tables: node scripts/build-config-docs.mjs -->'
const END = '<!-- end of tables -->'
const GROUPS = { limits: 'LimitsOptions', batch: 'BatchOptions', capture: 'CaptureOptions' }

const source = ts.createSourceFile('options.ts', readFileSync(join(root, 'src/config/options.ts'), 'utf8'), ts.ScriptTarget.Latest, true)
const interfaces = new Map(source.statements.filter(ts.isInterfaceDeclaration).map((node) => [node.name.text, node]))

const before = readFileSync(page, 'utf8')
const [head, rest = ''] = before.split(START)
const after = `${head}${START}\n\n${writeTables()}\n${END}${rest.slice(rest.indexOf(END) + END.length)}`
if (after === before) {
  process.stdout.write('docs/configuration.md is current\n')
} else if (process.argv.includes('--check')) {
  process.stdout.write('docs/configuration.md is not current: run node scripts/build-config-docs.mjs\n')
  process.exitCode = 1
} else {
  writeFileSync(page, after)
  process.stdout.write('docs/configuration.md written\n')
}

function writeTables() {
  const groups = Object.entries(GROUPS).map(([option, name]) => `## ${option}\n\n${toTable(interfaces.get(name), `${option}.`)}`)
  return [`## Options\n\n${toTable(interfaces.get('TracerOptions'), '')}`, ...groups].join('\n')
}

function toTable(declaration, prefix) {
  const rows = declaration.members.map((member) => toRow(member, prefix))
  return ['| option | default | environment | in a file | meaning |', '| --- | --- | --- | --- | --- |', ...rows, ''].join('\n')
}

function toRow(member, prefix) {
  const [doc] = member.jsDoc
  const text = flatten(doc.comment)
  const tag = doc.tags?.find(({ tagName }) => tagName.text === 'defaultValue')
  const [meaning, ...facts] = text.split(/\s*(?=(?:Environment|File key) )/)
  const all = facts.join(' ')
  const variables = /Environment (.+?)(?=[,.;] ?file key|\.?$|, file)/i.exec(all)?.[1] ?? ''
  const isInFile = /file key/i.test(all)
  const cells = [`\`${prefix}${member.name.getText()}\``, flatten(tag?.comment) || '', variables, isInFile ? 'yes' : 'no', meaning]
  return `| ${cells.map((cell) => cell.replaceAll('|', '\\|').trim()).join(' | ')} |`
}

function flatten(comment) {
  return (ts.getTextOfJSDocComment(comment) ?? '').replace(/\s+/g, ' ').trim()
}
