import { Ajv, type ErrorObject, type Options } from 'ajv'
import { Ajv2019 } from 'ajv/dist/2019.js'
import { Ajv2020 } from 'ajv/dist/2020.js'
import formats from 'ajv-formats'
import { HoneyHiveError } from '../../errors.js'
import type { FindProblems, JsonSchema } from './schema.js'

const OPTIONS: Options = {
  allErrors: true,
  // What every object inherits, such as `toString`, is no property of a JSON value.
  ownProperties: true,
  // Annotations of other tools and types left to the reader are no faults of a schema.
  strict: false,
  logger: false,
}

/**
 * Compiles a JSON Schema of draft 6, 7, 2019-09 or 2020-12, by its `$schema`; without one it counts as 2020-12.
 *
 * @param checksFormats - whether `format` is checked or only describes
 * @throws HoneyHiveError `EXPERIMENT` for a schema that is wrong itself, of another draft, or refers to what is not in it
 */
export function compileJsonSchema(schema: JsonSchema, checksFormats: boolean): FindProblems {
  try {
    const ajv = createValidator(schema, checksFormats)
    const validate = ajv.compile(typeof schema === 'boolean' ? schema : { ...schema })
    return (value) => (validate(value) ? [] : (validate.errors ?? []).map(describe))
  } catch (cause) {
    throw new HoneyHiveError(
      'EXPERIMENT',
      `jsonSchema: the schema cannot be used: ${cause instanceof Error ? cause.message : String(cause)}`,
      {
        cause,
      },
    )
  }
}

function createValidator(schema: JsonSchema, checksFormats: boolean): Ajv {
  const options = { ...OPTIONS, validateFormats: checksFormats }
  const draft = typeof schema === 'object' && typeof schema['$schema'] === 'string' ? schema['$schema'] : '2020-12'
  const ajv = /draft-0[67]/.test(draft) ? new Ajv(options) : draft.includes('2019-09') ? new Ajv2019(options) : new Ajv2020(options)
  if (draft.includes('draft-06')) ajv.addMetaSchema(DRAFT_06, draft.replace(/#$/, ''))
  ajv.removeKeyword('multipleOf')
  ajv.addKeyword({
    keyword: 'multipleOf',
    type: 'number',
    schemaType: 'number',
    validate: isMultiple,
    error: { message: 'must be a multiple of the given number' },
  })
  if (checksFormats) formats.default(ajv)
  return ajv
}

// Division leaves rounding errors, 0.3 is a multiple of 0.1; a quotient too large for a double is left to the exact remainder.
function isMultiple(step: number, value: number): boolean {
  const quotient = value / step
  return Number.isFinite(quotient) ? Math.abs(quotient - Math.round(quotient)) < 1e-12 : value % step === 0
}

// What draft 6 added to 7 are new keywords only; the older one needs no more than its name.
const DRAFT_06 = { type: ['object', 'boolean'] }

function describe({ instancePath, message, params }: ErrorObject): string {
  const extra = 'additionalProperty' in params ? ` "${String(params['additionalProperty'])}"` : ''
  return `${instancePath === '' ? 'the value' : instancePath} ${message ?? 'is not valid'}${extra}`
}
