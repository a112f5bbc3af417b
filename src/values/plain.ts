/** User data after it was copied: JSON's own types and nothing that can run code or change later. */
export type Plain = string | number | boolean | null | readonly Plain[] | { readonly [key: string]: Plain }

/** The object form of {@link Plain}. */
export type PlainObject = { readonly [key: string]: Plain }

/** True for the array form of {@link Plain}; narrows where `Array.isArray` does not. */
export function isPlainArray(value: Plain): value is readonly Plain[] {
  return Array.isArray(value)
}

/** Writes a field as own data whatever its name is: `__proto__` must not reach the prototype. */
export function setField(target: { [key: string]: Plain }, key: string, value: Plain): void {
  if (key === '__proto__') return defineField(target, key, value)
  try {
    target[key] = value
  } catch {
    // A host that froze `Object.prototype` against pollution: no object can be assigned a `constructor` or `toString` any more.
    defineField(target, key, value)
  }
}

function defineField(target: object, key: string, value: Plain): void {
  Object.defineProperty(target, key, { value, enumerable: true, configurable: true, writable: true })
}
