import { existsSync, readdirSync, readFileSync, realpathSync, statSync } from 'node:fs'
import { join, relative, sep } from 'node:path'

/** Gives the files of the page: their bytes by their path, e.g. `/index.html`. Nothing when the page has not been built. */
export type ListPage = () => ReadonlyMap<string, () => Uint8Array<ArrayBuffer>>

/** Lists the files under `folder`, which are read when they are asked for. */
export function listFolder(folder: string): ReturnType<ListPage> {
  if (!existsSync(join(folder, 'index.html'))) return new Map()
  const root = realpathSync(folder)
  const paths = readdirSync(root, { recursive: true, encoding: 'utf8' })
    .map((name) => join(root, name))
    // A link that leads out of the folder is not part of the page.
    .filter((path) => statSync(path).isFile() && realpathSync(path).startsWith(root + sep))
  return new Map(paths.map((path) => [`/${relative(root, path).split(sep).join('/')}`, () => new Uint8Array(readFileSync(path))]))
}
