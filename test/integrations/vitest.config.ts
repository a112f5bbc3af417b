import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/integrations/*.pack.ts'],
    testTimeout: 180_000,
    hookTimeout: 600_000,
    pool: 'forks',
    maxWorkers: 1,
    maxConcurrency: 2,
    reporters: ['default', fileURLToPath(new URL('row-reporter.ts', import.meta.url))],
  },
})
