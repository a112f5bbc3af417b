// Sizes of what a process loads, as Node loads it: modules with the parts of other packages that are built in, and without dependencies.
const dependencies = ['node:*', '@opentelemetry/api', 'yaml', 'libsql', 'commander']
const asNodeLoadsIt = (config) => ({ ...config, format: 'esm', platform: 'node', logLevel: 'error' })

const entry = (name, path, limit) => ({ name, path, limit, ignore: dependencies, brotli: false, modifyEsbuildConfig: asNodeLoadsIt })

// biome-ignore lint/style/noDefaultExport: the form the tool asks for
export default [
  // Of these, 38 kB are the SDK's core and serialisers, which other packages bring along as dependencies, and 10 kB what reads the
  // messages of log events.
  entry('main entry point', 'dist/index.js', '235 kB'),
  entry('callback handler for LangChain', 'dist/langchain.js', '140 kB'),
  // Of these, 66 kB are hono and its Node server, built in so that nobody installs them.
  entry('command line, local server included', 'dist/cli/main.js', '590 kB'),
]
