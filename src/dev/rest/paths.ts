/** A path in all generations of the API: with and without its version. */
export function bothVersions(path: string): string[] {
  return [path, `/v1${path}`]
}
