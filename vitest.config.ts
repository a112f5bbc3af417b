import { availableParallelism } from 'node:os'
import { defineConfig } from 'vitest/config'

// The machine's own settings must not reach a test; empty text would be a value, so the names are removed.
for (const name of Object.keys(process.env)) {
  if (/^(HH|OTEL)_/.test(name)) delete process.env[name]
}

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    exclude: ['test/browser/**'],
    testTimeout: 20_000,
    hookTimeout: 20_000,
    pool: 'forks',
    // Most tests wait for servers and child processes, so two workers suit even a small machine.
    maxWorkers: Math.max(2, availableParallelism() - 1),
    reporters: ['default'],
  },
})
