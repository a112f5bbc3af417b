// node run.mjs workerd [flag] | edge: the worker in Cloudflare's runtime, or the package in Vercel's. Prints the answer, or the error.
import { build } from 'esbuild'

const [, , runtime, ...flags] = process.argv
const options = { bundle: true, write: false, platform: 'node', external: ['node:*'], logLevel: 'silent' }

if (runtime === 'workerd') {
  const { Log, LogLevel, Miniflare } = await import('miniflare')
  const { outputFiles } = await build({ ...options, entryPoints: ['worker.mjs'], format: 'esm', conditions: ['workerd', 'worker'] })
  try {
    const miniflare = new Miniflare({
      modules: true,
      scriptPath: 'bundle.mjs',
      script: outputFiles[0].text,
      compatibilityDate: '2026-05-01',
      compatibilityFlags: flags,
      bindings: { RECEIVER: process.env.RECEIVER },
      log: new Log(LogLevel.NONE),
    })
    console.log(await (await miniflare.dispatchFetch('http://worker/')).text())
  } catch (error) {
    console.log(JSON.stringify({ error: error.message }))
  }
} else {
  const { EdgeRuntime } = await import('edge-runtime')
  const contents = "import { HoneyHiveTracer } from 'honeyhive-tracer'; HoneyHiveTracer.init({ apiKey: 'key' })"
  const { outputFiles } = await build({ ...options, stdin: { contents, resolveDir: process.cwd() }, format: 'iife' })
  try {
    new EdgeRuntime().evaluate(outputFiles[0].text)
    console.log('{}')
  } catch (error) {
    console.log(JSON.stringify({ error: error.message }))
  }
}
// A runtime that could not start is not given up by itself.
process.exit(0)
