/** The built page: a fixed list of files, so no path of a request ever reaches the disk. */
import { extname } from 'node:path'
import type { ListPage } from './page-folder.js'

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

/** The page whose files `list` gives; when there are none, one that says how to build it. */
export function createPageFiles(list: ListPage): PageFiles {
  let files = list()

  return {
    find(path, { acceptsHtml }) {
      // A page that was built again has other file names.
      if (path === '/') files = list()
      const isFile = TYPES[extname(path)] !== undefined && files.has(path)
      const isPage = path === '/' || (!isFile && extname(path) === '' && acceptsHtml)
      const name = isPage ? '/index.html' : path
      const read = isFile || isPage ? files.get(name) : undefined
      if (read !== undefined) return { type: TYPES[extname(name)] ?? '', isHashed: path.startsWith('/assets/'), read }
      if (files.size > 0 || path !== '/') return undefined
      return { type: 'text/html; charset=utf-8', isHashed: false, read: () => new TextEncoder().encode(NOT_BUILT) }
    },
  }
}
