// Coverage by Vitest's V8 provider, and of what it cannot see itself: what other processes and the browser ran.
//
// In a run with coverage, tests find a folder in OUTSIDE_COVERAGE. Those that start bundles of the sources keep the bundles and hand the folder
// on as NODE_V8_COVERAGE; Node writes there which parts of them ran. Tests of the page write the same for what Chromium ran. Scripts need
// an inline source map; what tsx compiles in the process that runs it is not counted.
import { mkdir, readdir, readFile, rm } from 'node:fs/promises'
import { dirname, join, relative, sep } from 'node:path'
import { fileURLToPath } from 'node:url'
import { mergeProcessCovs } from '@bcoe/v8-coverage'
import { V8CoverageProvider } from '@vitest/coverage-v8/dist/provider.js'
import v8 from '@vitest/coverage-v8'

const INLINE = '//# sourceMappingURL=data:application/json;base64,'

class Provider extends V8CoverageProvider {
  #folder

  initialize(vitest) {
    super.initialize(vitest)
    this.#folder = join(this.options.reportsDirectory, 'outside')
    // The processes of tests are started later, and inherit it.
    process.env.OUTSIDE_COVERAGE = this.#folder
  }

  async clean(clean) {
    await super.clean(clean)
    await rm(this.#folder, { recursive: true, force: true })
    await mkdir(this.#folder, { recursive: true })
  }

  async generateCoverage(context) {
    const map = await super.generateCoverage(context)
    for (const { url, functions, code } of await readScripts(this.#folder)) {
      const outside = this.createCoverageMap()
      outside.merge(await this.remapCoverage(url, 0, { code, map: readSourceMap(code, url) }, functions))
      outside.filter((file) => map.data[file] !== undefined)
      map.merge(outside)
    }
    return map
  }

  readCoverageFiles({ onFileRead, ...rest }) {
    return super.readCoverageFiles({
      ...rest,
      onFileRead: ({ result }) => onFileRead({ result: result.filter(isOfVitest) }),
    })
  }

  /** A table by folder comes first: the gates in the configurations are by folder, too. */
  async generateReports(map, allTestsRun) {
    const { root } = this.ctx.config
    const folders = new Map()
    for (const file of map.files()) {
      const folder = dirname(relative(root, file)).split(sep).slice(0, DEPTH).join('/')
      if (!folders.has(folder)) folders.set(folder, this.createCoverageMap())
      folders.get(folder).addFileCoverage(map.fileCoverageFor(file))
    }
    this.ctx.logger.log(toRow('coverage in %', 'lines', 'branches', 'functions'))
    for (const [folder, files] of [...folders].sort()) {
      const { lines, branches, functions } = files.getCoverageSummary()
      this.ctx.logger.log(toRow(folder, ...[lines, branches, functions].map(({ pct }) => pct.toFixed(1))))
    }
    await super.generateReports(map, allTestsRun)
  }
}

/** `src/dev/page/views`, the longest of those that have a line of their own. */
const DEPTH = 4

function toRow(name, ...cells) {
  return name.padEnd(24) + cells.map((cell) => cell.padStart(10)).join('')
}

/**
 * Whether Vitest compiled it: then one function holds the script to its end. What tsx compiled in the process of a test, as `runEvals` does
 * with files of evaluations, has the same URL and other places in its text, and would be added to them.
 */
function isOfVitest({ functions }) {
  const end = Math.max(...functions.map(({ ranges }) => ranges[0].endOffset))
  return functions.some(({ ranges: [{ startOffset, endOffset }] }) => startOffset > 0 && endOffset === end)
}

/** Every script that ran outside, once, with its text. */
async function readScripts(folder) {
  const codes = new Map()
  let merged = { result: [] }
  for (const name of (await readdir(folder)).filter((one) => one.endsWith('.json'))) {
    const { result } = parseProcess(await readFile(join(folder, name), 'utf8'))
    for (const { url } of result) if (!codes.has(url)) codes.set(url, await readCode(url))
    merged = mergeProcessCovs([merged, { result: result.filter(({ url }) => codes.get(url) !== undefined) }])
  }
  return merged.result.map((script) => ({ ...script, code: codes.get(script.url) }))
}

/** Nothing of a process that a test killed while it wrote: what it ran is counted elsewhere, or missing, and no reason to fail. */
function parseProcess(text) {
  try {
    return JSON.parse(text)
  } catch {
    return { result: [] }
  }
}

/** Nothing when the script is no bundle of the sources. */
async function readCode(url) {
  if (!url.startsWith('file://') || /\/node_modules\/(?!\.cache\/)/.test(url)) return undefined
  const code = await readFile(fileURLToPath(url), 'utf8').catch(() => '')
  return code.includes(INLINE) ? code : undefined
}

function readSourceMap(code, url) {
  const [text] = code.slice(code.lastIndexOf(INLINE) + INLINE.length).split('\n')
  const map = JSON.parse(Buffer.from(text, 'base64').toString())
  return { ...map, sources: map.sources.map((source) => new URL(source, url).href) }
}

export default { ...v8, getProvider: () => new Provider() }
