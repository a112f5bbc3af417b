// Writes schema/tracers.schema.json, the JSON Schema of tracer files, from the option specs and their TSDoc.
// `--check` only says whether the checked-in file is up to date.
import { readFileSync, writeFileSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import { tsImport } from 'tsx/esm/api'
import ts from 'typescript'

const target = new URL('../schema/tracers.schema.json', import.meta.url)
const { OPTIONS, DEFAULTS, LIMIT_DEFAULTS, BATCH_DEFAULTS, CAPTURE_DEFAULTS } = await tsImport('../src/config/schema.ts', import.meta.url)
const docs = readDocs(new URL('../src/config/options.ts', import.meta.url), [
  'TracerOptions',
  'LimitsOptions',
  'BatchOptions',
  'CaptureOptions',
])
const groupDocs = { limits: docs.LimitsOptions, batch: docs.BatchOptions, capture: docs.CaptureOptions }
const groupDefaults = { limits: LIMIT_DEFAULTS, batch: BATCH_DEFAULTS, capture: CAPTURE_DEFAULTS }

/** First paragraph of each member's TSDoc. */
function readDocs(file, names) {
  const source = ts.createSourceFile('options.ts', readFileSync(file, 'utf8'), ts.ScriptTarget.ES2022, true)
  const found = {}
  for (const statement of source.statements) {
    if (!ts.isInterfaceDeclaration(statement) || !names.includes(statement.name.text)) continue
    found[statement.name.text] = Object.fromEntries(
      statement.members.map((member) => {
        const comment = ts.getTextOfJSDocComment(ts.getJSDocCommentsAndTags(member)[0]?.comment) ?? ''
        return [member.name.getText(), comment.split('\n\n')[0].replaceAll('\n', ' ').trim()]
      }),
    )
  }
  return found
}

const toSnake = (name) => name.replace(/[A-Z]/g, (letter) => `_${letter.toLowerCase()}`)
const VARIABLE = { type: 'string', pattern: '\\$\\{' }

function toValueSchema(spec) {
  const schema = spec.itemFromText === undefined ? spec.json : { ...spec.json, items: { type: 'string', format: 'regex' } }
  // Text of variables is converted for these, and stands in place of these words.
  const isOpenText = schema.type === 'string' && schema.enum === undefined
  return isOpenText || spec.text === undefined ? schema : { anyOf: [schema, VARIABLE] }
}

function toObject(specs, texts, defaults) {
  const properties = {}
  for (const [name, spec] of Object.entries(specs)) {
    const isGroup = 'members' in spec
    if (!isGroup && spec.json === undefined) continue
    const schema = isGroup ? toGroup(name, spec) : toValueSchema(spec)
    const described = {
      ...(texts?.[name] && { description: texts[name] }),
      ...(defaults?.[name] !== undefined && { default: defaults[name] }),
    }
    properties[name] = { ...described, ...schema }
    if (toSnake(name) !== name) properties[toSnake(name)] = { description: `Same as ${name}.`, ...schema }
  }
  return { type: 'object', properties, additionalProperties: false }
}

function toGroup(name, spec) {
  const group = toObject(spec.members, groupDocs[name], groupDefaults[name])
  return name === 'redact' ? { anyOf: [{ const: false }, group] } : group
}

const schema = {
  $schema: 'https://json-schema.org/draft/2020-12/schema',
  title: 'Tracers',
  description: 'Several tracers by name. Text may hold ${VARIABLE} and ${VARIABLE:-default}; $${ stands for ${ itself.',
  type: 'object',
  properties: {
    $schema: { type: 'string' },
    defaults: { description: 'Options of every tracer that does not give its own.', $ref: '#/$defs/options' },
    tracers: {
      description: 'Options of each tracer, by the name it is looked up with.',
      type: 'object',
      minProperties: 1,
      propertyNames: { pattern: '\\S' },
      additionalProperties: { anyOf: [{ $ref: '#/$defs/options' }, { type: 'null' }] },
    },
  },
  required: ['tracers'],
  additionalProperties: false,
  $defs: { options: toObject(OPTIONS, docs.TracerOptions, DEFAULTS) },
}

const text = `${JSON.stringify(schema, null, 2)}\n`
if (process.argv.includes('--check')) {
  if (readFileSync(target, 'utf8') !== text) {
    console.error(`${fileURLToPath(target)} is out of date. Run: node scripts/build-schema.mjs`)
    process.exitCode = 1
  }
} else {
  writeFileSync(target, text)
}
