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
        'src/dev/page/*.{ts,tsx}': { lines: 78, branches: 74 },
        'src/dev/page/model/**': { lines: 95, branches: 87 },
        'src/dev/page/parts/**': { lines: 90, branches: 79 },
        'src/dev/page/views/**': { lines: 91, branches: 76 },
      },
    },
    env: { HH_API_KEY: '', HH_API_URL: '', HH_PROJECT: '', HH_SOURCE: '' },
  },
})
