import { readdirSync, rmSync, writeFileSync } from 'node:fs'
import { join, resolve } from 'node:path'
import { rollup } from 'rollup'

/** Entries that work without the tracer and share parts with it. */
const WITHOUT_TRACER = ['dev', 'cli/main']
/** What esbuild writes for `scripts/node-globals.js`, which only passes names on, and its call at the beginning of each module. */
const INITIALISER = /var init_node_globals = __esm\(\{\s*"scripts\/node-globals\.js"\(\) \{\s*("use strict";\s*)?\}\s*\}\);/
const INITIALISER_CALLS = /^\s*init_node_globals\(\);\n/gm

/**
 * Joins the many small chunks that the main entry loads into two: `core`, and `shared` with what {@link WITHOUT_TRACER} load too.
 * Opening a file costs Node about half a millisecond, so that thirty of them are a quarter of the time the package takes to load;
 * esbuild makes a chunk for every set of entries that share something and cannot be told otherwise. Leaves out calls that do nothing.
 *
 * @param folder the ES modules as esbuild wrote them; rewritten in place.
 */
export async function joinChunks(folder: string): Promise<void> {
  const root = resolve(folder)
  const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.js'))
  const entries = files.filter((file) => !file.startsWith('chunk-')).map((file) => [file.slice(0, -'.js'.length), join(root, file)])
  const bundle = await rollup({
    input: Object.fromEntries(entries),
    external: (id) => !id.startsWith('.') && !id.startsWith(root),
    treeshake: false,
    onwarn: ({ code, message }) => void (code === 'UNUSED_EXTERNAL_IMPORT' || console.warn(message)),
  })
  let joined: ReadonlyMap<string, string> | undefined
  const { output } = await bundle.generate({
    format: 'es',
    entryFileNames: '[name].js',
    chunkFileNames: '[name].js',
    manualChunks(id, { getModuleInfo }) {
      joined ??= toJoined((entry) => reach(join(root, `${entry}.js`), (from) => getModuleInfo(from)?.importedIds ?? []))
      return id.startsWith(join(root, 'chunk-')) ? joined.get(id) : undefined
    },
  })
  await bundle.close()
  for (const file of files) rmSync(join(root, file))
  const chunks = output.filter((file) => file.type === 'chunk')
  if (!chunks.some(({ code }) => INITIALISER.test(code)))
    throw new Error('esbuild writes scripts/node-globals.js in another way: look at `INITIALISER`')
  for (const { fileName, code } of chunks) writeFileSync(join(root, fileName), code.replace(INITIALISER_CALLS, ''))
}

/** The name of the joined chunk of every module that the main entry loads. */
function toJoined(loadedBy: (entry: string) => ReadonlySet<string>): ReadonlyMap<string, string> {
  const others = WITHOUT_TRACER.map(loadedBy)
  return new Map([...loadedBy('index')].map((id) => [id, others.some((other) => other.has(id)) ? 'shared' : 'core']))
}

function reach(entry: string, importsOf: (id: string) => readonly string[]): ReadonlySet<string> {
  const reached = new Set([entry])
  for (const id of reached) for (const imported of importsOf(id)) reached.add(imported)
  return reached
}
