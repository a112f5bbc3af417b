import { existsSync, rmSync } from 'node:fs'
import { readFile } from 'node:fs/promises'
import { defineConfig } from 'tsup'
import type { Options } from 'tsup'

type Plugin = NonNullable<Options['esbuildPlugins']>[number]

/** The bundled schema library keeps its settings on `globalThis`, where the host's own copy would read and change them. */
const privateSchemaSettings: Plugin = {
  name: 'private-schema-settings',
  setup(build) {
    build.onLoad({ filter: /[\\/]zod[\\/]v4[\\/]core[\\/](core|registries)\.js$/ }, async ({ path }) => {
      const text = await readFile(path, 'utf8')
      return { contents: `const ownGlobals = {};\n${text.replaceAll('globalThis', 'ownGlobals')}`, loader: 'js' }
    })
  },
}

const libraries = {
  index: 'src/index.ts',
  experiments: 'src/experiments/index.ts',
  express: 'src/middleware/express.ts',
  fastify: 'src/middleware/fastify.ts',
  fetch: 'src/middleware/fetch.ts',
  lambda: 'src/middleware/lambda.ts',
  testing: 'src/testing/index.ts',
  dev: 'src/dev/server.ts',
}

const common: Options = {
  target: 'node20',
  platform: 'node',
  // One copy of the code per format: without it every CommonJS entry would carry its own.
  splitting: true,
  shims: true,
  removeNodeProtocol: false,
  // Only the parts of the schema library that are used; loading it whole costs more than the SDK itself. The validator of JSON
  // Schema is a chunk that is loaded by those who ask for it, and nothing that every user of the tracer installs.
  noExternal: ['zod', /^ajv/],
  external: ['libsql', 'bullmq', 'pg-boss'],
  esbuildPlugins: [privateSchemaSettings],
}

// Both builds write into one folder at the same time, so neither may clean it.
rmSync('dist', { recursive: true, force: true })

const builds: Options[] = [
  { ...common, entry: existing({ ...libraries, 'cli/main': 'src/cli/main.ts' }), format: 'esm' },
  // Shaking makes rollup write the CommonJS files; the other writer turns every `?.` and `??` into function calls.
  { ...common, entry: existing(libraries), format: 'cjs', treeshake: true },
  // The types of both formats come from one run of the compiler.
  { ...common, entry: existing(libraries), format: ['esm', 'cjs'], dts: { only: true } },
]

export default defineConfig(builds.filter(({ entry }) => Object.keys(entry ?? {}).length > 0))

function existing(entries: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(entries).filter(([, file]) => existsSync(file)))
}
