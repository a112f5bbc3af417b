import { describeUnknown } from '../config/problems.js'
import { type ConfigProblem, HoneyHiveConfigError } from '../errors.js'

/** A problem for each option that does not exist; a gate must not be green because its name was written wrong. */
export function findUnknown(given: object, known: readonly string[], where: string, path = ''): readonly ConfigProblem[] {
  return Object.keys(given)
    .filter((name) => !known.includes(name))
    .map((name) => ({ option: path + name, message: describeUnknown(name, path, known, where) }))
}

/** @throws HoneyHiveConfigError when an option of `given` does not exist */
export function refuseUnknown(given: object, known: readonly string[], where: string): void {
  const problems = findUnknown(given, known, where)
  if (problems.length > 0) throw new HoneyHiveConfigError(problems, where)
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
