import { readdirSync, lstatSync, readFileSync } from 'node:fs'
import path from 'node:path'
/** Packages, files and bytes under a folder's node_modules. */
export function footprint(folder) {
  const out = { packages: 0, files: 0, bytes: 0, otelCopies: {} }
  const walk = (dir, inPkgRoot) => {
    for (const e of readdirSync(dir, { withFileTypes: true })) {
      const p = path.join(dir, e.name)
      if (e.isSymbolicLink()) continue
      if (e.isDirectory()) {
        if (e.name === 'node_modules') packagesIn(p)
        else walk(p)
      } else if (e.isFile()) {
        out.files++
        out.bytes += lstatSync(p).size
      }
    }
  }
  const packagesIn = (nm) => {
    for (const e of readdirSync(nm, { withFileTypes: true })) {
      if (!e.isDirectory() || e.name === '.bin') continue
      const p = path.join(nm, e.name)
      const roots = e.name.startsWith('@') ? readdirSync(p).map((n) => path.join(p, n)) : [p]
      for (const r of roots) {
        if (!lstatSync(r).isDirectory()) continue
        out.packages++
        if (/@opentelemetry[\\/]/.test(r)) {
          const n = path.basename(r)
          out.otelCopies[n] ??= []
          out.otelCopies[n].push(JSON.parse(readFileSync(path.join(r, 'package.json'))).version)
        }
        walk(r)
      }
    }
  }
  packagesIn(path.join(folder, 'node_modules'))
  return out
}
