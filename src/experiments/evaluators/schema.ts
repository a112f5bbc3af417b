/** A JSON Schema, as an object or as `true` and `false`. */
export type JsonSchema = boolean | { readonly [keyword: string]: unknown }

/** Lists the problems of a value; none means it is valid. */
export type FindProblems = (value: unknown) => readonly string[]
