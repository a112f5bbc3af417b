import { hasOwnField } from '../natives.js'
import { silenceMade } from '../promises.js'

/** An object that inherits from none; not made with `null` for a prototype, because V8 looks fields of those up as in a map. */
class Fields {}
Object.setPrototypeOf(Fields.prototype, null)

/** Fields by name, none so far, that show nothing of what sits on every object of the process. */
export function noFields(): Record<string, unknown> {
  return new Fields() as Record<string, unknown>
}

/**
 * The fields that somebody gave, without a prototype: what sits on every object of the process was given by nobody, and is none later
 * where a field is looked for.
 *
 * @throws what a getter of the caller's throws.
 */
export function fieldsOf<T extends object>(given: T): T {
  const fields = noFields()
  for (const name in given) if (isGiven(given, name)) fields[name] = read(given, name)
  return fields as T
}

/** One field of {@link fieldsOf}. @throws as that does. */
export function readField(given: object, name: string): unknown {
  return isGiven(given, name) ? read(given, name) : undefined
}

function read(given: object, name: string): unknown {
  const field = (given as Readonly<Record<string, unknown>>)[name]
  if (typeof field === 'object') silenceMade(given, name, field)
  return field
}

function isGiven(given: object, name: string): boolean {
  return hasOwnField(given, name) || !(name in Object.prototype)
}
