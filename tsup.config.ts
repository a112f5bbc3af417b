import { readdirSync, rmSync } from 'node:fs'
import { readdir, readFile } from 'node:fs/promises'
import { join, relative, sep } from 'node:path'
import { brotliCompressSync } from 'node:zlib'
import { transform } from 'esbuild'
import { defineConfig } from 'tsup'
import type { Options } from 'tsup'
import { entryPoints } from './scripts/entry-points.js'
import { joinChunks } from './scripts/join-chunks.js'
import { writeRedirects } from './scripts/redirects.js'
import { thirdPartyLicences } from './scripts/third-party.js'

type EsbuildPlugin = NonNullable<Options['esbuildPlugins']>[number]
type Plugin = NonNullable<Options['plugins']>[number]

/** OpenTelemetry's API is the host's own copy; the SDK's parts are ours, whatever version of it the host has. */
const SDK_PARTS = /^@opentelemetry\/(?!api$)/
/** What answers requests of the local server; a user's tree need not grow for it. */
const LOCAL_SERVER_PARTS = /^(?:hono|@hono\/node-server)(?:\/|$)/
/** The validator of JSON Schema: a chunk loaded by those who ask for it, and nothing that every user of the tracer installs. */
const SCHEMA_PARTS = /^ajv(?:-formats)?(?:\/|$)/
/** Packages whose declarations are copied into ours, so that a user needs none of them to compile. */
const TYPES_FROM = ['@opentelemetry/core', '@opentelemetry/resources', '@opentelemetry/sdk-trace', '@opentelemetry/sdk-trace-base']
const PAGE = join('dist', 'page')
/** Travels as a file of its own. */
const NOTICES = 'THIRD-PARTY.txt'
const FILES_OF_A_PACKAGE = /^\.\.?\//

/** Published as CommonJS only; its calls of `require` would not run in an ES module, nor be found by a user's bundler. */
const contextManagerAsModule: EsbuildPlugin = {
  name: 'context-manager-as-module',
  setup(build) {
    build.onLoad({ filter: /[\\/]context-async-hooks[\\/]build[\\/]src[\\/]\w+\.js$/ }, async ({ path }) => {
      const contents = toModule(await readFile(path, 'utf8'))
      if (/\b(?:require|exports)\b/.test(contents.replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, ''))) {
        throw new Error(`${path} cannot be read as a module any more`)
      }
      return { contents, loader: 'js' }
    })
  },
}

/** esbuild writes a file for each `import()`, also of code that nobody uses; these would start processes. */
const noMachineIds: EsbuildPlugin = {
  name: 'no-machine-ids',
  setup(build) {
    build.onResolve({ filter: /\/getMachineId-\w+\.js$/ }, ({ path }) => ({ path, external: true }))
  },
}

/** A bundle of a user has no folder beside it, so that the page of the local server is part of the code; see src/dev/http/page-content.ts. */
const pageAsModule: EsbuildPlugin = {
  name: 'page-as-module',
  setup(build) {
    build.onLoad({ filter: /[\\/]dev[\\/]http[\\/]page-content\.ts$/ }, async () => ({ contents: await readPage(), loader: 'js' }))
  },
}

/** Where vm evaluates a file (Jest, single executables, plugin hosts) there is no `import()`, but always `require`. */
const requireInsteadOfImport: Plugin = {
  name: 'require-instead-of-import',
  renderChunk(code) {
    if (this.format !== 'cjs') return undefined
    return { code: code.replace(/\bimport\((["'])([^"'\n]+)\1\)/g, (_, _quote, specifier: string) => toRequire(specifier)) }
  },
}

/** Nobody reads the validator's code here, and it is a tenth of the package. */
const minifiedSchemaParts: Plugin = {
  name: 'minified-schema-parts',
  async renderChunk(code, { path }) {
    if (!/[\\/]json-schema-\w+\.c?js$/.test(path)) return undefined
    return { code: (await transform(code, { minify: true, target: 'node20' })).code }
  },
}

const licences = thirdPartyLicences('dist/THIRD-PARTY-LICENSES.txt', TYPES_FROM)
const libraries = Object.fromEntries(entryPoints.map(({ name, file }) => [name, file]))

const common: Options = {
  target: 'node20',
  platform: 'node',
  // One copy of the code per format: without it every CommonJS entry would carry its own.
  splitting: true,
  removeNodeProtocol: false,
  // Only the parts that are used, which load in a few milliseconds; whole packages take thirty times as long.
  noExternal: [SDK_PARTS, LOCAL_SERVER_PARTS, SCHEMA_PARTS],
  external: ['libsql', 'bullmq', 'pg-boss'],
  esbuildPlugins: [contextManagerAsModule, noMachineIds, pageAsModule, licences],
  plugins: [requireInsteadOfImport, minifiedSchemaParts],
  esbuildOptions(options, { format }) {
    options.inject = [...(options.inject ?? []), 'scripts/node-globals.js']
    if (format !== 'cjs') return
    options.define = { ...options.define, 'import.meta.url': 'importMetaUrl' }
    options.inject = [...(options.inject ?? []), 'scripts/import-meta-url.js']
  },
}

// Both builds write into one folder at the same time, so neither may clean it.
for (const name of readdirSync('dist')) if (join('dist', name) !== PAGE) rmSync(join('dist', name), { recursive: true })
writeRedirects('.')

export default defineConfig([
  { ...common, entry: { ...libraries, 'cli/main': 'src/cli/main.ts' }, format: 'esm', onSuccess: () => joinChunks('dist') },
  // Shaking makes rollup write the CommonJS files; the other writer turns every `?.` and `??` into function calls.
  { ...common, entry: libraries, format: 'cjs', treeshake: true },
  // The types of both formats come from one run of the compiler.
  { ...common, entry: libraries, format: ['esm', 'cjs'], dts: { only: true, resolve: [...TYPES_FROM, FILES_OF_A_PACKAGE] } },
])

/**
 * The page's files as a module; they were built before. Compressed, they are a third of their size, and nothing that works on code
 * takes them for code.
 */
async function readPage(): Promise<string> {
  const entries = await readdir(PAGE, { recursive: true, withFileTypes: true })
  const paths = entries.filter((entry) => entry.isFile() && entry.name !== NOTICES).map(({ parentPath, name }) => join(parentPath, name))
  const files = await Promise.all(
    paths.map(async (path) => [
      `/${relative(PAGE, path).split(sep).join('/')}`,
      brotliCompressSync(await readFile(path)).toString('base64'),
    ]),
  )
  return `import { Buffer } from 'node:buffer'
    import { brotliDecompressSync } from 'node:zlib'
    const files = ${JSON.stringify(files)}
    const page = new Map(files.map(([path, text]) => [path, () => new Uint8Array(brotliDecompressSync(Buffer.from(text, 'base64')))]))
    export const listPage = () => page`
}

/** The promise `import()` would give: a package that is CommonJS has its exports as `default` too. */
function toRequire(specifier: string): string {
  const loaded = specifier.startsWith('.')
    ? `require('${specifier}')`
    : `((loaded) => ({ ...loaded, default: loaded }))(require('${specifier}'))`
  return `Promise.resolve().then(() => ${loaded})`
}

/** The same code with `import` and `export`; knows what TypeScript's compiler writes, nothing else. */
function toModule(commonJs: string): string {
  return commonJs
    .replace(/^"use strict";$/m, '')
    .replace(/^Object\.defineProperty\(exports, "__esModule", .*$/m, '')
    .replace(/^(?:exports\.\w+ = )+void 0;$/m, '')
    .replace(/^(?:const|var) (\w+) = require\((".+?")\);$/gm, 'import * as $1 from $2;')
    .replace(/^Object\.defineProperty\(exports, "(\w+)", \{.* return (\w+\.\w+); \} \}\);$/gm, 'export const $1 = $2;')
    .replace(/^exports\.(\w+) = \1;$/gm, 'export { $1 };')
}
