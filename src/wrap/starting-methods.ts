import { NativeSet, NativeWeakMap } from '../builtins.js'
import { chainOf, findMethod } from './shadow.js'

/** Methods of a thenable that do the same work as its `then`: of queries that run, and of a request whose answer is taken raw. */
const STARTING_METHOD = /^(?:exec\w*|run|withResponse|asResponse|toPromise|fetch|final[A-Z]\w*|done)$/

const known = new NativeWeakMap<object, readonly string[]>()

/** Names of the methods of a thenable by which its work is done past its `then`. */
export function findStartingMethods(thenable: object): readonly string[] {
  const prototype: unknown = Object.getPrototypeOf(thenable)
  if (typeof prototype !== 'object' || prototype === null) return []
  const names = known.get(prototype) ?? listStartingMethods(prototype)
  known.set(prototype, names)
  return names
}

function listStartingMethods(prototype: object): string[] {
  const names = chainOf(prototype).flatMap((holder) => Object.getOwnPropertyNames(holder))
  return [...new NativeSet(names)].filter((name) => STARTING_METHOD.test(name) && findMethod(prototype, name) !== undefined)
}
