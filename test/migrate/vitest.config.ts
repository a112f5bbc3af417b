import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/migrate/*.pack.ts'],
    testTimeout: 240_000,
    hookTimeout: 600_000,
    pool: 'forks',
    maxWorkers: 1,
    reporters: ['default'],
  },
})
