/** The built page: a fixed list of files read at start, so no path of a request ever reaches the disk. */
import { existsSync, readdirSync, readFileSync, realpathSync } from 'node:fs'
import { dirname, extname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'

const TYPES: Readonly<Record<string, string>> = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript; charset=utf-8',
  '.css': 'text/css; charset=utf-8',
  '.svg': 'image/svg+xml',
  '.png': 'image/png',
  '.ico': 'image/x-icon',
  '.woff2': 'font/woff2',
  '.json': 'application/json; charset=utf-8',
  '.webmanifest': 'application/manifest+json',
}

const NOT_BUILT = `<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>honeyhive-tracer dev</title></head>
<body><h1>honeyhive-tracer dev</h1>
<p>The server is running and stores what it receives, but its page has not been built.</p>
<p>In the repository run <code>npm run build</code>, then reload. The data is at <a href="/api/projects">/api/projects</a>.</p></body></html>
`

/** One file of the page. */
export interface PageFile {
  /** Media type. */
  readonly type: string
  /** Whether its name changes with its content, so that caches may keep it for ever. */
  readonly isHashed: boolean
  read(): Uint8Array<ArrayBuffer>
}

/** The files of the page by path. */
export interface PageFiles {
  /** Nothing when the path is no file of the page. Paths without a file name are the page itself, for who `acceptsHtml`. */
  find(path: string, options: { readonly acceptsHtml: boolean }): PageFile | undefined
}

interface Asset {
  readonly type: string
  readonly path: string
}

/** Lists the files under `folder`; a folder that does not exist gives the page that says how to build it. */
export function createPageFiles(folder: string = findPageFolder()): PageFiles {
  let assets = listAssets(folder)

  return {
    find(path, { acceptsHtml }) {
      // A page that was built again has other file names.
      if (path === '/') assets = listAssets(folder)
      const asset = assets.get(path)
      const page = asset ?? (extname(path) === '' && acceptsHtml ? assets.get('/index.html') : undefined)
      if (page !== undefined) {
        const isHashed = asset !== undefined && path.startsWith('/assets/')
        return { type: page.type, isHashed, read: () => new Uint8Array(readFileSync(page.path)) }
      }
      if (assets.size > 0 || path !== '/') return undefined
      return { type: 'text/html; charset=utf-8', isHashed: false, read: () => new TextEncoder().encode(NOT_BUILT) }
    },
  }
}

function listAssets(folder: string): Map<string, Asset> {
  if (!existsSync(join(folder, 'index.html'))) return new Map()
  const root = realpathSync(folder)
  const assets = new Map<string, Asset>()
  for (const name of readdirSync(root, { recursive: true, encoding: 'utf8' })) {
    const path = join(root, name)
    const type = TYPES[extname(name)]
    // A link that leads out of the folder is not part of the page.
    if (type === undefined || !realpathSync(path).startsWith(root + sep)) continue
    assets.set(`/${relative(root, path).split(sep).join('/')}`, { type, path })
  }
  const index = assets.get('/index.html')
  if (index !== undefined) assets.set('/', index)
  return assets
}

/** `dist/page` of the package this file belongs to, whether it runs built or from source. */
function findPageFolder(): string {
  let folder = dirname(fileURLToPath(import.meta.url))
  while (!existsSync(join(folder, 'package.json')) && dirname(folder) !== folder) folder = dirname(folder)
  return join(folder, 'dist', 'page')
}
