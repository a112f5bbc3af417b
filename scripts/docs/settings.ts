import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { Ajv2020 } from 'ajv/dist/2020.js'
import { parseAllDocuments } from 'yaml'
import { type Block, type Problem, root } from './blocks.js'

const schema = JSON.parse(readFileSync(join(root, 'schema/tracers.schema.json'), 'utf8'))

/** Parses JSON and YAML, and holds tracer files (`tracers:`) to the schema that is published. */
export function checkSettings(block: Block): readonly Problem[] {
  try {
    return parse(block)
      .flatMap((value) => (isTracerFile(value) ? checkTracerFile(value) : []))
      .map((text) => toProblem(block, text))
  } catch (error) {
    return [toProblem(block, (error as Error).message)]
  }
}

function parse({ language, text }: Block): readonly unknown[] {
  if (language === 'json') return [JSON.parse(text)]
  return parseAllDocuments(text).map((document) => {
    if (document.errors[0] !== undefined) throw document.errors[0]
    return document.toJS()
  })
}

function isTracerFile(value: unknown): boolean {
  return typeof value === 'object' && value !== null && 'tracers' in value
}

function checkTracerFile(value: unknown): readonly string[] {
  const ajv = new Ajv2020({ strict: false, allErrors: true, validateFormats: false })
  if (ajv.validate(schema, value)) return []
  return (ajv.errors ?? []).map(({ instancePath, message }) => `${instancePath} ${message}, says schema/tracers.schema.json`)
}

function toProblem({ page, line }: Block, text: string): Problem {
  return { page, line, text }
}
