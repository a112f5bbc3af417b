import { checkOptions } from '../options/check.js'
import { ANYTHING } from '../options/spec.js'

/** @throws HoneyHiveConfigError when an option of `given` does not exist */
export function refuseUnknown(given: object, known: readonly string[], where: string): void {
  checkOptions(given, Object.fromEntries(known.map((name) => [name, ANYTHING])), where)
}

/** Names of an interface's members that the compiler keeps complete: a missing or an extra one does not build. */
export function namesOf<T extends object>(names: { readonly [Name in keyof Required<T>]: true }): readonly string[] {
  return Object.keys(names)
}

/** The entries that are not `undefined`. */
export function given<T extends object>(options: T): { [Name in keyof T]?: Exclude<T[Name], undefined> } {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined)) as {
    [Name in keyof T]?: Exclude<T[Name], undefined>
  }
}
