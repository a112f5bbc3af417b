import { availableParallelism } from 'node:os'
import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

// The machine's own settings must not reach a test; empty text would be a value, so the names are removed.
for (const name of Object.keys(process.env)) {
  if (/^(HH|OTEL)_/.test(name)) delete process.env[name]
}

const source = (path: string): string => fileURLToPath(new URL(`./src/${path}`, import.meta.url))

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
    exclude: ['**/node_modules/**', 'test/browser/**'],
    // For what hangs. No test counts on the speed of the machine.
    testTimeout: 120_000,
    hookTimeout: 120_000,
    expect: { poll: { timeout: 60_000 } },
    pool: 'forks',
    // Most tests wait for servers and child processes, so two workers suit even a small machine.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    reporters: ['default'],
  },
})
