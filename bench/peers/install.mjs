// Installs every peer in its own folder (versions are pinned in adapters/*/package.json), one after another.
// node install.mjs [NAME ...]
import { spawnSync } from 'node:child_process'
import { adapterNames, adapterFolder } from './lib/adapters.mjs'
const wanted = process.argv.slice(2)
for (const name of adapterNames()) {
  const cwd = adapterFolder(name)
  if (!cwd || (wanted.length && !wanted.includes(name))) continue
  const t = Date.now()
  const r = spawnSync('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd,
    encoding: 'utf8',
    shell: process.platform === 'win32',
  })
  console.log(`${name}: ${r.status === 0 ? 'ok' : `FAILED\n${r.stderr.slice(-800)}`} (${((Date.now() - t) / 1000).toFixed(1)} s)`)
}
console.log(
  'newer node, optional:',
  spawnSync('npm', ['install', '--no-audit', '--no-fund', '--loglevel=error'], {
    cwd: import.meta.dirname,
    shell: process.platform === 'win32',
    encoding: 'utf8',
  }).status === 0
    ? 'ok'
    : 'not installed',
)
