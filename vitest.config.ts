import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    include: ['test/**/*.test.ts'],
    testTimeout: 20_000,
    hookTimeout: 20_000,
    pool: 'forks',
    env: { HH_API_KEY: '', HH_API_URL: '', HH_PROJECT: '', HH_SOURCE: '' },
  },
})
