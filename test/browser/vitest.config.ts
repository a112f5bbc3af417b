import { fileURLToPath } from 'node:url'
import { defineConfig } from 'vitest/config'

export default defineConfig({
  test: {
    root: fileURLToPath(new URL('../..', import.meta.url)),
    include: ['test/browser/**/*.test.ts'],
    testTimeout: 300_000,
    hookTimeout: 300_000,
    pool: 'forks',
    fileParallelism: false,
    coverage: {
      provider: 'custom',
      customProviderModule: 'scripts/coverage-provider.mjs',
      reportsDirectory: 'coverage/page',
      include: ['src/dev/page/**/*.{ts,tsx}'],
      exclude: ['**/*.d.ts'],
      reporter: ['json-summary', 'html'],
      thresholds: {
        'src/dev/page/*.{ts,tsx}': { lines: 78, branches: 78 },
        'src/dev/page/model/**': { lines: 76, branches: 60 },
        'src/dev/page/parts/**': { lines: 69, branches: 49 },
        'src/dev/page/views/**': { lines: 82, branches: 60 },
      },
    },
    env: { HH_API_KEY: '', HH_API_URL: '', HH_PROJECT: '', HH_SOURCE: '' },
  },
})
