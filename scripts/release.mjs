// Releases a version: sets it everywhere, dates the changelog, commits and tags. Publishing is the workflow's, which the tag starts.
//
//   node scripts/release.mjs patch|minor|major|1.2.3 [--dry-run]
//   node scripts/release.mjs --notes            the changelog's part of the version there is
//
// A version that package.json and the changelog have already is only tagged.
import { spawnSync } from 'node:child_process'
import { readFileSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

const PLACEHOLDER = 'your-org'
const UNRELEASED = '## [Unreleased]\n'
const root = resolve(import.meta.dirname, '..')
const read = (file) => readFileSync(join(root, file), 'utf8')

const given = process.argv.slice(2)
const isDry = given.includes('--dry-run')
const [wanted] = given.filter((word) => !word.startsWith('--'))

try {
  if (given.includes('--notes')) process.stdout.write(`${partOf(read('CHANGELOG.md'), JSON.parse(read('package.json')).version).trim()}\n`)
  else release()
} catch (error) {
  process.stderr.write(`release: ${error.message}\n`)
  process.exitCode = 1
}

function release() {
  const manifest = read('package.json')
  const { version: current } = JSON.parse(manifest)
  const version = toVersion(current, wanted)
  const changelog = read('CHANGELOG.md')
  const isWritten = version === current && partOf(changelog, version) !== ''
  const files = isWritten ? {} : toFiles(manifest, changelog, current, version)
  refuseObstacles(version, manifest)

  const tag = `v${version}`
  for (const [file, text] of Object.entries(files)) {
    process.stdout.write(`${isDry ? 'would write' : 'writes'} ${file}\n`)
    if (!isDry) writeFileSync(join(root, file), text)
  }
  if (!isWritten) {
    git(['add', ...Object.keys(files)])
    git(['commit', '--quiet', '-m', `chore(release): ${version}`])
  }
  git(['tag', '-a', tag, '-m', tag])
  process.stdout.write(`${isDry ? 'would be' : 'is'} ${tag}. Next: git push --follow-tags\n`)
}

function toVersion(current, asked) {
  const parts = current.split('.').map(Number)
  const at = ['major', 'minor', 'patch'].indexOf(asked)
  if (at !== -1) return parts.map((part, index) => (index < at ? part : index === at ? part + 1 : 0)).join('.')
  if (!/^\d+\.\d+\.\d+$/.test(asked ?? '')) throw new Error(`Give patch, minor, major or a version, got ${asked ?? 'nothing'}.`)
  const isOlder = asked.localeCompare(current, 'en', { numeric: true }) < 0
  if (isOlder) throw new Error(`${asked} is older than ${current}. Give a newer version.`)
  return asked
}

function toFiles(manifest, changelog, current, version) {
  const lock = read('package-lock.json')
  const date = new Date().toISOString().slice(0, 10)
  const from = changelog.indexOf(UNRELEASED)
  const rest = changelog.slice(from + UNRELEASED.length)
  if (from === -1 || rest.split('\n## ')[0].trim() === '')
    throw new Error('Nothing stands under "Unreleased" in CHANGELOG.md. Say there what is different for a user.')
  const line = `"version": "${current}"`
  return {
    'package.json': manifest.replace(line, `"version": "${version}"`),
    // Its own version stands there twice, before any other package's.
    'package-lock.json': lock.replace(line, `"version": "${version}"`).replace(line, `"version": "${version}"`),
    'src/version.ts': read('src/version.ts').replace(`'${current}'`, `'${version}'`),
    'CHANGELOG.md': `${changelog.slice(0, from)}${UNRELEASED}\n## [${version}] - ${date}\n${rest}`,
  }
}

/** The part of the changelog about a version, without its heading; empty where there is none. */
function partOf(changelog, version) {
  const [, part = ''] = changelog.split(`\n## [${version}] - `)
  return part.split('\n## ')[0].replace(/^.*\n/, '')
}

function refuseObstacles(version, manifest) {
  const ask = (...args) => spawnSync('git', args, { cwd: root, encoding: 'utf8' }).stdout.trim()
  if (manifest.includes(`/${PLACEHOLDER}/`))
    throw new Error(`"${PLACEHOLDER}" in package.json is a placeholder. Put the repository's owner there, in SECURITY.md and in .github/.`)
  if (ask('status', '--porcelain') !== '') throw new Error('The tree is not clean. Commit or put away what has changed.')
  if (ask('tag', '--list', `v${version}`) !== '') throw new Error(`The tag v${version} exists. Give a newer version.`)
}

function git(args) {
  process.stdout.write(`${isDry ? 'would run' : 'runs'} git ${args.join(' ')}\n`)
  if (isDry) return
  const { status, stderr } = spawnSync('git', args, { cwd: root, encoding: 'utf8' })
  if (status !== 0) throw new Error(`git ${args[0]} failed: ${stderr.trim()}`)
}
