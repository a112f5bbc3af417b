// Sizes of what a process loads, as Node loads it: modules with the parts of other packages that are built in, and without dependencies.
const dependencies = ['node:*', '@opentelemetry/api', 'yaml', 'libsql', 'commander']
const asNodeLoadsIt = (config) => ({ ...config, format: 'esm', platform: 'node', logLevel: 'error' })

const entry = (name, path, limit) => ({ name, path, limit, ignore: dependencies, brotli: false, modifyEsbuildConfig: asNodeLoadsIt })

// biome-ignore lint/style/noDefaultExport: the form the tool asks for
export default [
  // Of these, 38 kB are the SDK's core and serialisers, which other packages bring along as dependencies, 53 kB what finds secrets,
  // 36 kB results that complete later and 14 kB the merging of their chunks,
  // 6 kB keys that change, proxies and modules that are evaluated again, 3 kB limits, meters and flushes as OpenTelemetry's SDK has them, and 13 kB agents, certificate authorities, what a spool counts,
  // 12 kB words for mistakes of plain JavaScript and names of other SDKs, 12 kB what writes requests in one pass,
  // and what holds where a host replaced functions of the language. Every other entry for a traced program loads the same.
  entry('main entry point', 'dist/index.js', '435.5 kB'),
  // The tracer's core is most of it: configuration, transport, redaction. What only the client has is 8 kB, and what it shares with the old names 15 kB.
  entry('REST client', 'dist/client.js', '458.8 kB'),
  // Of these, 66 kB are hono and its Node server, built in so that nobody installs them, 70 kB prices that load when asked for
  // and 130 kB the page, compressed, which loads when the server starts. Its first bound was 580 kB, without a page in the code.
  entry('command line, local server included', 'dist/cli/main.js', '1103 kB'),
]
