import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/places/*.pack.ts'],
    testTimeout: 240_000,
    hookTimeout: 600_000,
    pool: 'forks',
    // Each file packs where no package is given, and two that build at once spoil one another's.
    maxWorkers: process.env['PACKAGE'] === undefined ? 1 : 2,
    reporters: ['default'],
  },
})
