/** The entry under a name that users choose, such as `toString`; what a record inherits, as every object does, is none. */
export function entryOf<T>(record: Readonly<Record<string, T | undefined>>, name: string): T | undefined {
  return Object.hasOwn(record, name) ? record[name] : undefined
}
