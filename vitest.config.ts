import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

// The machine's own settings must not reach a test; empty text would be a value, so the names are removed.
for (const name of Object.keys(process.env)) {
  if (/^(HH|OTEL)_/.test(name)) delete process.env[name]
}

const source = (path: string): string => fileURLToPath(new URL(`./src/${path}`, import.meta.url))

/** What is counted takes stack of its own, so that the end of it comes elsewhere; runs without coverage have these. */
const USES_UP_THE_STACK = ['test/tracer/stack-overflow.test.ts']

export default defineConfig({
  resolve: {
    // The package's own name means the sources here, as `paths` in tsconfig.json says; the built package is checked apart.
    alias: [
      { find: /^honeyhive-tracer$/, replacement: source('index.ts') },
      { find: /^honeyhive-tracer\/(experiments|testing|client|compat)$/, replacement: source('$1/index.ts') },
      { find: /^honeyhive-tracer\/dev$/, replacement: source('dev/server.ts') },
      { find: /^honeyhive-tracer\/(otel|langchain)$/, replacement: source('integrations/$1.ts') },
      { find: /^honeyhive-tracer\/(express|fastify|fetch|lambda)$/, replacement: source('middleware/$1.ts') },
    ],
  },
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['**/node_modules/**', 'test/browser/**', ...(process.argv.includes('--coverage') ? USES_UP_THE_STACK : [])],
    // For what hangs. No test counts on the speed of the machine.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } },
    pool: 'forks',
    // Most tests wait for servers and child processes, so two workers suit even a small machine.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    reporters: ['default'],
    // The page's gate is in test/browser/vitest.config.ts.
    coverage: {
      provider: 'custom',
      customProviderModule: 'scripts/coverage-provider.mjs',
      include: ['src/**/*.ts'],
      exclude: ['src/dev/page/**', '**/*.d.ts'],
      reporter: ['json-summary', 'html'],
      thresholds: {
        'src/*.ts': { lines: 96, branches: 93 },
        'src/api/**': { lines: 97, branches: 91 },
        'src/cli/**': { lines: 82, branches: 64 },
        'src/client/**': { lines: 98, branches: 81 },
        'src/compat/**': { lines: 83, branches: 62 },
        'src/config/**': { lines: 97, branches: 93 },
        'src/context/**': { lines: 97, branches: 93 },
        'src/dev/**': { lines: 97, branches: 87 },
        'src/experiments/**': { lines: 94, branches: 87 },
        'src/export/**': { lines: 97, branches: 92 },
        'src/integrations/**': { lines: 97, branches: 91 },
        'src/middleware/**': { lines: 97, branches: 90 },
        'src/options/**': { lines: 98, branches: 96 },
        'src/otlp/**': { lines: 97, branches: 93 },
        'src/provider/**': { lines: 96, branches: 93 },
        'src/semantics/**': { lines: 95, branches: 85 },
        'src/testing/**': { lines: 98, branches: 89 },
        'src/tracer/**': { lines: 95, branches: 91 },
        'src/values/**': { lines: 97, branches: 92 },
        'src/wrap/**': { lines: 95, branches: 90 },
      },
    },
  },
})
