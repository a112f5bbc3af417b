// Bundles the local server's page into dist/page: index.html, app.js, app.css, favicon.svg, THIRD-PARTY.txt.
// Usage: node scripts/build-page.mjs [--out <folder>] [--dev]
import { copyFile, mkdir, readdir, readFile, stat, writeFile } from 'node:fs/promises'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'

/** The most the page may weigh; exported so that the tests hold it to the same. */
export const MAX_TOTAL_BYTES = 330 * 1024
const STATIC_FILES = ['index.html', 'favicon.svg']
const NOTICES = 'THIRD-PARTY.txt'

const root = join(dirname(fileURLToPath(import.meta.url)), '..')
const source = join(root, 'src/dev/page')

/**
 * Builds the page and returns the bytes of every file written.
 *
 * @param {{ outDir?: string, minify?: boolean }} options
 */
export async function buildPage({ outDir = join(root, 'dist/page'), minify = true } = {}) {
  await mkdir(outDir, { recursive: true })
  const { metafile } = await build({
    entryPoints: { app: join(source, 'main.tsx') },
    outdir: outDir,
    bundle: true,
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
  return readSizes(outDir)
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

async function readSizes(outDir) {
  const names = ['app.js', 'app.css', ...STATIC_FILES, NOTICES]
  const sizes = await Promise.all(names.map(async (name) => [name, (await stat(join(outDir, name))).size]))
  return Object.fromEntries(sizes)
}

if (process.argv[1] === fileURLToPath(import.meta.url)) {
  const out = process.argv.indexOf('--out')
  const minify = !process.argv.includes('--dev')
  const sizes = await buildPage({ minify, ...(out > 0 ? { outDir: process.argv[out + 1] } : {}) })
  const total = Object.values(sizes).reduce((sum, bytes) => sum + bytes, 0)
  for (const [name, bytes] of Object.entries(sizes)) console.log(`${name.padEnd(16)} ${(bytes / 1024).toFixed(1)} KB`)
  console.log(`${'total'.padEnd(16)} ${(total / 1024).toFixed(1)} KB`)
  if (minify && total > MAX_TOTAL_BYTES) {
    console.error(`The page is larger than ${MAX_TOTAL_BYTES / 1024} KB. Remove what made it grow.`)
    process.exitCode = 1
  }
}
