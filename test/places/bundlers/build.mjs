// Joins a program and all it imports into one file, with the settings that each tool's documentation gives for Node.
// Usage: node build.mjs <tool> <format> <program> <file>
import { basename, dirname, resolve } from 'node:path'
import commonjs from '@rollup/plugin-commonjs'
import json from '@rollup/plugin-json'
import nodeResolve from '@rollup/plugin-node-resolve'
import { build } from 'esbuild'
import { rolldown } from 'rolldown'
import { rollup } from 'rollup'
import { build as viteBuild } from 'vite'
import webpack from 'webpack'

const [tool, format, program, output] = process.argv.slice(2)
const [entry, file] = [resolve(program), resolve(output)]
// SQLite for Node 20; has a binary, which no bundler takes in.
const external = ['libsql']

const tools = {
  esbuild: () => build({ entryPoints: [entry], bundle: true, platform: 'node', format, outfile: file, external, logLevel: 'warning' }),
  async rollup() {
    const plugins = [nodeResolve({ exportConditions: ['node'], preferBuiltins: true }), commonjs(), json()]
    const bundle = await rollup({ input: entry, external: [...external, /^node:/], plugins })
    await bundle.write({ file, format, inlineDynamicImports: true })
  },
  async rolldown() {
    const bundle = await rolldown({ input: entry, platform: 'node', external })
    await bundle.write({ file, format, codeSplitting: false })
  },
  vite: () =>
    viteBuild({
      configFile: false,
      logLevel: 'warn',
      ssr: { noExternal: true, external },
      build: {
        ssr: entry,
        outDir: dirname(file),
        emptyOutDir: false,
        rollupOptions: { output: { format, entryFileNames: basename(file), inlineDynamicImports: true } },
      },
    }),
  webpack() {
    const asModule = format === 'esm'
    const settings = {
      mode: asModule ? 'development' : 'production',
      devtool: false,
      target: 'node20',
      entry,
      externals: { libsql: `${asModule ? 'import' : 'commonjs'} libsql` },
      experiments: { outputModule: asModule },
      output: { path: dirname(file), filename: basename(file), module: asModule },
      plugins: [new webpack.optimize.LimitChunkCountPlugin({ maxChunks: 1 })],
    }
    return new Promise((done, fail) => {
      webpack(settings, (error, stats) => {
        if (error ?? stats.hasErrors()) return fail(error ?? new Error(stats.toString('errors-only')))
        if (stats.hasWarnings()) console.error(stats.toString('errors-warnings'))
        done()
      })
    })
  },
}

await tools[tool]()
