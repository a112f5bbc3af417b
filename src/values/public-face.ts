import { types } from 'node:util'
import { isRoot } from './realm.js'
import { toThrownName } from './stand-in.js'

/** Getters read of one object. */
const MAX_GETTERS = 64
const MAX_PROTOTYPES = 8

/**
 * What an object without fields of its own shows: the getters of its class, each read once. `undefined` when it has fields, which
 * say enough, or no getters.
 */
export function readPublicFace(value: object): object | undefined {
  if (Object.keys(value).length > 0) return undefined
  const names = getterNames(value)
  if (names.length === 0) return undefined
  const face: Record<string, unknown> = Object.create(null)
  for (const name of names) {
    try {
      face[name] = silenced(Reflect.get(value, name))
    } catch (thrown) {
      face[name] = `[Throws: ${toThrownName(thrown)}]`
    }
  }
  return face
}

function getterNames(value: object): string[] {
  const names = new Set<string>()
  let prototype: object | null = Object.getPrototypeOf(value)
  for (let level = 0; level < MAX_PROTOTYPES && prototype !== null && !isRoot(prototype); level += 1) {
    for (const [name, { get }] of Object.entries(Object.getOwnPropertyDescriptors(prototype))) {
      if (get !== undefined && !name.startsWith('_') && names.size < MAX_GETTERS) names.add(name)
    }
    prototype = Object.getPrototypeOf(prototype)
  }
  return [...names]
}

/** A promise that was made for us alone would end the process when it rejects. */
function silenced(field: unknown): unknown {
  if (types.isPromise(field)) Reflect.apply(Promise.prototype.then, field, [undefined, () => undefined])
  return field
}
