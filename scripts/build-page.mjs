// Bundles the local server's page into dist/page: index.html, app.js, app.css, favicon.svg, THIRD-PARTY.txt, and under assets/ what
// app.js is made of and what some views load when they are first opened.
// Usage: node scripts/build-page.mjs [--out <folder>] [--dev]
import { copyFile, mkdir, readdir, readFile, rm, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** The most that the page may weigh when it is opened; exported so that the tests hold it to the same. */
export const MAX_TOTAL_BYTES = 330 * 1024
/** The most that all views together may load later. */
export const MAX_LATER_BYTES = 120 * 1024
const STATIC_FILES = ['index.html', 'favicon.svg']
const NOTICES = 'THIRD-PARTY.txt'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const source = join(root, 'src/dev/page')

/**
 * Builds the page and returns the bytes of every file that is loaded when the page is opened, and the sum of those loaded later.
 *
 * @param {{ outDir?: string, minify?: boolean }} options
 */
export async function buildPage({ outDir = join(root, 'dist/page'), minify = true } = {}) {
  await mkdir(outDir, { recursive: true })
  // Their names change with their content.
  await rm(join(outDir, 'assets'), { recursive: true, force: true })
  const { metafile } = await build({
    entryPoints: { app: join(source, 'main.tsx') },
    outdir: outDir,
    bundle: true,
    splitting: true,
    chunkNames: 'assets/[name]-[hash]',
    format: 'esm',
    target: ['es2022', 'chrome123', 'firefox120', 'safari17.5'],
    jsx: 'automatic',
    jsxImportSource: 'preact',
    minify,
    sourcemap: minify ? false : 'inline',
    legalComments: 'none',
    tsconfig: join(source, 'tsconfig.json'),
    logLevel: 'warning',
    metafile: true,
    absWorkingDir: root,
  })
  for (const name of STATIC_FILES) await copyFile(join(source, name), join(outDir, name))
  await writeFile(join(outDir, NOTICES), await readNotices(Object.keys(metafile.inputs)))
  return readSizes(outDir, metafile.outputs)
}

/** The licences of the packages that ended up in app.js and app.css: they ask to travel along. */
async function readNotices(inputs) {
  const folders = new Set(inputs.map((path) => /^.*node_modules\/(?:@[^/]+\/)?[^/]+/.exec(path)?.[0]).filter(Boolean))
  const texts = await Promise.all([...folders].sort().map((folder) => readNotice(join(root, folder))))
  return texts.join('\n\n')
}

async function readNotice(folder) {
  const { name } = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8'))
  const licence = (await readdir(folder)).find((file) => /^licen[cs]e/i.test(file))
  if (licence === undefined) throw new Error(`${name} is built into the page and has no licence file`)
  return `${name}\n\n${await readFile(join(folder, licence), 'utf8')}`
}

async function readSizes(outDir, outputs) {
  const names = [...STATIC_FILES, NOTICES]
  const first = Object.fromEntries(await Promise.all(names.map(async (name) => [name, (await stat(join(outDir, name))).size])))
  const app = Object.keys(outputs).find((path) => /(^|\/)app\.js$/.test(path))
  const opened = new Set([app, outputs[app].cssBundle])
  // What a script imports is loaded with it; what it may import later is not.
  for (const path of opened) for (const { path: next, kind } of outputs[path].imports) if (kind === 'import-statement') opened.add(next)
  let laterBytes = 0
  for (const [path, { bytes }] of Object.entries(outputs)) {
    if (!opened.has(path)) laterBytes += bytes
    else first[path.slice(path.indexOf('page/') + 5)] = bytes
  }
  return { first, firstBytes: Object.values(first).reduce((sum, bytes) => sum + bytes, 0), laterBytes }
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const out = process.argv.indexOf('--out')
  const minify = !process.argv.includes('--dev')
  const { first, firstBytes, laterBytes } = await buildPage({ minify, ...(out > 0 ? { outDir: process.argv[out + 1] } : {}) })
  const toLine = (name, bytes) => `${name.padEnd(32)} ${(bytes / 1024).toFixed(1)} KB`
  for (const [name, bytes] of Object.entries(first)) console.log(toLine(name, bytes))
  console.log(toLine('when it is opened', firstBytes))
  console.log(toLine('later', laterBytes))
  if (minify && (firstBytes > MAX_TOTAL_BYTES || laterBytes > MAX_LATER_BYTES)) {
    console.error(`The page is larger than ${MAX_TOTAL_BYTES / 1024} KB, or ${MAX_LATER_BYTES / 1024} KB later. Remove what made it grow.`)
    process.exitCode = 1
  }
}
