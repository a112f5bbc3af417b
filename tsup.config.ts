import { defineConfig } from 'tsup'

export default defineConfig({
  entry: {
    index: 'src/index.ts',
  },
  format: ['esm', 'cjs'],
  target: 'node20',
  platform: 'node',
  dts: true,
  clean: true,
  // One copy of the state per format: without it every CommonJS entry would carry its own.
  splitting: true,
  shims: true,
  // Only the parts of the schema library that are used; loading it whole costs more than the SDK itself.
  noExternal: ['zod'],
})
