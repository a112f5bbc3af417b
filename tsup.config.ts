import { existsSync, rmSync } from 'node:fs'
import { defineConfig } from 'tsup'
import type { Options } from 'tsup'

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
  // Only the parts of the schema library that are used; loading it whole costs more than the SDK itself.
  noExternal: ['zod'],
}

// Both builds write into one folder at the same time, so neither may clean it.
rmSync('dist', { recursive: true, force: true })

const builds: Options[] = [
  { ...common, entry: existing({ ...libraries, 'cli/main': 'src/cli/main.ts' }), format: 'esm', dts: { entry: existing(libraries) } },
  { ...common, entry: existing(libraries), format: 'cjs', dts: { entry: existing(libraries) } },
]

export default defineConfig(builds.filter(({ entry }) => Object.keys(entry ?? {}).length > 0))

function existing(entries: Record<string, string>): Record<string, string> {
  return Object.fromEntries(Object.entries(entries).filter(([, file]) => existsSync(file)))
}
