// Sizes of what a process loads, as Node loads it: modules, with the dependencies left out.
const dependencies = ['node:*', '@opentelemetry/*', 'yaml', 'libsql', 'commander']
const asNodeLoadsIt = (config) => ({ ...config, format: 'esm', platform: 'node', logLevel: 'error' })

const entry = (name, path, limit) => ({ name, path, limit, ignore: dependencies, brotli: false, modifyEsbuildConfig: asNodeLoadsIt })

// biome-ignore lint/style/noDefaultExport: the form the tool asks for
export default [
  entry('main entry point', 'dist/index.js', '220 kB'),
  entry('command line, local server included', 'dist/cli/main.js', '500 kB'),
]
