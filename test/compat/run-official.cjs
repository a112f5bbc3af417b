// Runs one of the programs with npm's `honeyhive` 1.0.42: `node run-official.cjs <programs.mjs> <name>`.
const { pathToFileURL } = require('node:url')

// This version sends its run requests to the public host whatever `serverUrl` says; they are led back here.
const realFetch = globalThis.fetch
globalThis.fetch = (input, init) => {
  const url = new URL(typeof input === 'string' || input instanceof URL ? input : input.url)
  const local = new URL(url.pathname + url.search, process.env.HH_API_URL)
  return realFetch(input instanceof Request ? new Request(local, input) : local, init)
}

async function main([file, name]) {
  const sdk = require('honeyhive')
  const programs = await import(pathToFileURL(file).href)
  process.stdout.write(`\nRESULT ${JSON.stringify(await programs[name](sdk))}\n`)
  process.exit(0)
}

main(process.argv.slice(2)).catch((error) => {
  process.stderr.write(`${error.stack}\n`)
  process.exit(1)
})
