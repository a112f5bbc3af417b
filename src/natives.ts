/** Functions of the language as they were when this package was loaded; also for what runs in a browser. See `builtins.ts`. */

/** `Promise` of the language; a host may put another in its place. */
export const NativePromise: PromiseConstructor = Promise

/** `JSON.stringify` of the language. */
export const toJsonText: typeof JSON.stringify = JSON.stringify
/** `JSON.parse` of the language. @throws SyntaxError */
export const parseJsonText: typeof JSON.parse = JSON.parse
