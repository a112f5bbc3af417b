import { mkdirSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { entryPoints } from './entry-points.js'

/**
 * Writes a folder with a manifest for each entry point: what resolves `honeyhive-tracer/testing` by folders and files, as TypeScript's
 * `node10` and the linters' resolver do, knows nothing of the manifest's "exports".
 */
export function writeRedirects(root: string): void {
  for (const { name } of entryPoints.filter(({ key }) => key !== '.')) {
    const files = { main: `../dist/${name}.cjs`, module: `../dist/${name}.js`, types: `../dist/${name}.d.cts` }
    mkdirSync(join(root, name), { recursive: true })
    writeFileSync(join(root, name, 'package.json'), `${JSON.stringify(files, null, 2)}\n`)
  }
}
