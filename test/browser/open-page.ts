/** A browser and the local server's page in it, for the tests of one file. */
import { randomUUID } from 'node:crypto'
import { existsSync } from 'node:fs'
import { mkdir, readFile, writeFile } from 'node:fs/promises'
import { createRequire } from 'node:module'
import { dirname, join } from 'node:path'
import { pathToFileURL } from 'node:url'
import { type Browser, type BrowserContext, chromium, type Page } from 'playwright-core'
import { afterAll, beforeAll, expect } from 'vitest'
import { buildPage, MAX_LATER_BYTES, MAX_TOTAL_BYTES } from '../../scripts/build-page.mjs'
import { type DevServer, startDevServer } from '../../src/dev/server.js'
import { OUTSIDE_COVERAGE } from '../fixtures/coverage.js'

const EXECUTABLE = process.env['CHROMIUM'] ?? '/usr/bin/chromium'
/** How many times slower the page runs than it could, to find what only holds on a fast machine. */
const SLOWDOWN = Number(process.env['BROWSER_SLOWDOWN'] ?? 1)
const FLAGS = [
  '--headless',
  '--no-sandbox',
  '--disable-gpu',
  '--disable-quic',
  '--no-first-run',
  '--disable-background-networking',
  '--disable-component-update',
  '--disable-sync',
]
const BUILT = join(import.meta.dirname, '../../dist/page/index.html')
/** How long one step may take before it counts as wrong: a busy machine is slow, not broken. */
const WAIT_MS = 60_000
const PICTURES = join(import.meta.dirname, '../../artifacts')

/** How a page is opened. */
export interface PageOptions {
  readonly theme?: 'dark' | 'light'
  readonly width?: number
  readonly url?: string
  /** Whether the browser's own messages about failed loads are wanted. */
  readonly expectsFailures?: boolean
}

/** The browser and the server of one test file. */
export interface PageRoom {
  /** The server that `fill` filled. */
  readonly server: DevServer
  open(hash: string, options?: PageOptions): Promise<Page>
  /** Closes the pages, and says what is wrong on every page alike; asked at the end of each test. */
  expectQuiet(): Promise<void>
  projectId(name: string): string
}

/** The browser of all these tests; `CHROMIUM` names another. */
export function launchBrowser(): Promise<Browser> {
  return chromium.launch({ executablePath: EXECUTABLE, args: FLAGS })
}

/** Starts browser and server before the tests of a file, fills the server with `fill`, and ends both after them. */
export function usePageRoom(fill: (server: DevServer) => Promise<void>): PageRoom {
  let server: DevServer | undefined
  let browser: Browser | undefined
  const contexts: BrowserContext[] = []
  const foreignRequests: string[] = []
  const complaints: string[] = []

  beforeAll(async () => {
    const [{ firstBytes, laterBytes }] = await Promise.all([build(), mkdir(PICTURES, { recursive: true })])
    expect(OUTSIDE_COVERAGE === undefined ? firstBytes : 0).toBeLessThanOrEqual(MAX_TOTAL_BYTES)
    expect(OUTSIDE_COVERAGE === undefined ? laterBytes : 0).toBeLessThanOrEqual(MAX_LATER_BYTES)
    server = await startDevServer({ port: 0, database: ':memory:' })
    await fill(server)
    browser = await launchBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    await server?.close()
  })

  function theServer(): DevServer {
    if (server === undefined) throw new Error('the server has not started')
    return server
  }

  function watch(context: BrowserContext, page: Page, url: string, expectsFailures: boolean): void {
    context.on('request', (request) => {
      if (!request.url().startsWith(`${url}/`) && !/^(data|blob):/.test(request.url())) foreignRequests.push(request.url())
    })
    page.on('pageerror', (error) => complaints.push(error.stack ?? error.message))
    page.on('console', (message) => {
      if (message.type() === 'error' && !expectsFailures) complaints.push(message.text())
    })
  }

  return {
    get server() {
      return theServer()
    },
    async open(hash, { theme = 'dark', width = 1440, url = theServer().url, expectsFailures = false } = {}) {
      if (browser === undefined) throw new Error('the browser has not started')
      // A package build that runs at the same time empties dist/.
      if (!existsSync(BUILT)) await build()
      const context = await browser.newContext({ viewport: { width, height: 900 }, colorScheme: theme })
      context.setDefaultTimeout(WAIT_MS)
      contexts.push(context)
      const page = await context.newPage()
      if (SLOWDOWN > 1) await (await context.newCDPSession(page)).send('Emulation.setCPUThrottlingRate', { rate: SLOWDOWN })
      watch(context, page, url, expectsFailures)
      await page.addInitScript({ content: await axeSource })
      if (OUTSIDE_COVERAGE !== undefined) await page.coverage.startJSCoverage({ resetOnNavigation: false })
      await page.goto(`${url}/${hash}`)
      return page
    },
    async expectQuiet() {
      await Promise.all(contexts.splice(0).map(close))
      expect(complaints.splice(0)).toEqual([])
      expect(foreignRequests.splice(0)).toEqual([])
    },
    projectId(name) {
      const project = theServer()
        .projects()
        .find((one) => one.name === name)
      if (!project) throw new Error(`no project ${name}`)
      return project.id
    },
  }
}

/** With coverage the page is a script whose parts have their names and lines; it is larger than it may be. */
const build = (): ReturnType<typeof buildPage> => buildPage({ minify: OUTSIDE_COVERAGE === undefined })

async function close(context: BrowserContext): Promise<void> {
  if (OUTSIDE_COVERAGE !== undefined) for (const page of context.pages()) await writeCoverage(page, OUTSIDE_COVERAGE)
  await context.close()
}

/** As Node writes it for its processes. */
async function writeCoverage(page: Page, folder: string): Promise<void> {
  const scripts = await page.coverage.stopJSCoverage()
  const result = scripts.map(({ url, functions }) => ({
    scriptId: '0',
    url: pathToFileURL(join(dirname(BUILT), new URL(url).pathname)).href,
    functions,
  }))
  await writeFile(join(folder, `page-${randomUUID()}.json`), JSON.stringify({ result }))
}

/** axe-core, for a page that is about to be opened. */
export const axeSource: Promise<string> = readFile(createRequire(import.meta.url).resolve('axe-core/axe.min.js'), 'utf8')

/** What axe-core finds on the page as it is, of any weight. */
export async function findBarriers(page: Page): Promise<readonly string[]> {
  return page.evaluate(async () => {
    const { axe } = globalThis as unknown as {
      axe: { run(): Promise<{ violations: { id: string; impact: string; nodes: { html: string; failureSummary: string }[] }[] }> }
    }
    const { violations } = await axe.run()
    return violations.map(
      (one) =>
        `${one.id} (${one.impact}): ${one.nodes
          .slice(0, 3)
          .map((node) => `${node.html.slice(0, 160)} ${node.failureSummary}`)
          .join(' | ')}`,
    )
  })
}

/** Keeps a picture of the page, to be looked at. */
export async function takePicture(page: Page, name: string): Promise<void> {
  await page.screenshot({ path: join(PICTURES, `${name}.png`) })
}

/** What a key, a click or an answer changes is there a little later; how much later is the machine's business. */
export const eventually = <T>(read: () => T): ReturnType<typeof expect.poll<T>> => expect.poll(read, { timeout: WAIT_MS, interval: 20 })

/** Nothing is on its way any more. */
export async function settle(page: Page): Promise<void> {
  await page.waitForFunction(() => document.querySelector('.loading, [aria-busy=true]') === null)
}
