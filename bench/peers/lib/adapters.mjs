import { existsSync, readdirSync, statSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import path from 'node:path'
export const adaptersDir = fileURLToPath(new URL('../adapters/', import.meta.url))
export function adapterNames() {
  return readdirSync(adaptersDir)
    .filter((n) => !n.startsWith('.'))
    .map((n) => n.replace(/\.mjs$/, ''))
    .sort()
}
export function adapterFolder(name) {
  const p = path.join(adaptersDir, name)
  return existsSync(p) && statSync(p).isDirectory() ? p : null
}
export async function getAdapter(name) {
  const file = adapterFolder(name) ? `${name}/index.mjs` : `${name}.mjs`
  return (await import(new URL(`../adapters/${file}`, import.meta.url))).default
}
/** Why an adapter cannot take part under this node version, or null. */
export function cannotRun(adapter, nodeVersion, name) {
  if (adapter.absent) return adapter.absent
  const folder = adapterFolder(name)
  if (folder && !existsSync(path.join(folder, 'node_modules'))) return 'not installed (node install.mjs)'
  if (!adapter.minNode) return null
  const a = nodeVersion.replace(/^v/, '').split('.').map(Number),
    b = adapter.minNode.split('.').map(Number)
  for (let i = 0; i < 3; i++) {
    if (a[i] > b[i]) return null
    if (a[i] < b[i]) return `needs node >= ${adapter.minNode}`
  }
  return null
}
