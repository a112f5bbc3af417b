/** The documentation site as GitHub Pages would serve it, below the name of the repository: every page is opened. */
import { spawnSync } from 'node:child_process'
import { existsSync, readdirSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join } from 'node:path'
import { pathToFileURL } from 'node:url'
import type { Browser, Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type PreviewServer, preview } from 'vite'
import { repository } from '../../scripts/site-pages.js'
import { axeSource, eventually, findBarriers, launchBrowser } from './open-page.js'

const ROOT = join(import.meta.dirname, '../..')
const SITE = join(ROOT, 'site')
const TELEPHONE = { width: 320, height: 800 }
/** As many pages at once as a small machine opens. */
const TABS = 3
const INIT = 'reference/honeyhive-tracer/HoneyHiveTracer.html#init'

/** What a reader's browser has of one page. */
interface Visit {
  /** Where its links lead, as whole addresses. */
  readonly links: readonly string[]
  /** What a link may name behind `#`. */
  readonly anchors: ReadonlySet<string>
  readonly width: number
}

describe('the documentation site', () => {
  let server: PreviewServer
  let browser: Browser
  let home: string

  beforeAll(async () => {
    const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href
    const built = spawnSync(process.execPath, ['--import', tsx, 'scripts/build-site.ts'], { cwd: ROOT, encoding: 'utf8' })
    expect(built.status, built.stdout + built.stderr).toBe(0)
    server = await preview({
      root: ROOT,
      configFile: false,
      appType: 'mpa',
      base: '/honeyhive-tracer/',
      build: { outDir: 'site' },
      // As Pages does.
      preview: { host: '127.0.0.1', port: 0, headers: { 'cache-control': 'max-age=600' } },
      logLevel: 'silent',
    })
    home = server.resolvedUrls?.local[0] ?? ''
    browser = await launchBrowser()
  })
  afterAll(async () => {
    await browser?.close()
    await server?.close()
  })

  async function open(path: string, width = 1_280): Promise<Page> {
    const page = await browser.newPage({ viewport: { width, height: 900 } })
    await page.addInitScript({ content: await axeSource })
    await page.goto(home + path)
    await page.waitForFunction(() => document.body.style.display !== 'none')
    return page
  }

  test('has no dead link and no error on any page, and none is wider than a telephone', async () => {
    const visits = new Map<string, Visit>()
    const complaints: string[] = []
    const waiting = readdirSync(SITE, { recursive: true, encoding: 'utf8' }).filter((name) => name.endsWith('.html'))
    const visitSome = async (): Promise<void> => {
      const page = await browser.newPage({ viewport: TELEPHONE })
      watch(page, complaints)
      for (let name = waiting.pop(); name !== undefined; name = waiting.pop()) {
        const url = home + name.replaceAll('\\', '/')
        await page.goto(url)
        visits.set(url, await page.evaluate(look).then(({ links, anchors, width }) => ({ links, anchors: new Set(anchors), width })))
      }
      await page.close()
    }
    await Promise.all(Array.from({ length: TABS }, visitSome))

    expect(complaints).toEqual([])
    expect(
      [...visits].flatMap(([from, { links }]) => links.filter((link) => isDead(link, visits, home)).map((to) => `${from}: ${to}`)),
    ).toEqual([])
    expect([...visits].filter(([, { width }]) => width > TELEPHONE.width).map(([url]) => url)).toEqual([])
    // The pages of docs/, and the reference of every entry point.
    for (const path of ['privacy', 'integrations/openai', 'migrate/index', 'changelog', 'reference/honeyhive-tracer/lambda'])
      expect([...visits.keys()]).toContain(`${home}${path}.html`)
  })

  test.for<[words: string, path: string]>([
    ['redaction', 'privacy.html'],
    ['docker', 'production.html'],
    ['webpack', 'bundlers.html'],
    ['withSession', 'reference/honeyhive-tracer/HoneyHiveTracer.html#withsession'],
  ])('finds %s', async ([words, path]) => {
    const page = await open('quickstart.html')
    await page.locator('#tsd-search-trigger').click()
    await page.locator('#tsd-search-input').fill(words)
    const first = page.locator('#tsd-search-results a').first()
    await eventually(async () => (await first.count()) > 0 && (await first.getAttribute('href'))).toContain(path)
    await first.click()
    await page.waitForURL(home + path)
    await page.close()
  })

  test('leads from the navigation to the reference of init', async () => {
    const page = await open('')
    for (const words of ['Reference', 'honeyhive-tracer', 'Classes']) {
      await page
        .locator('#tsd-nav-container summary', { hasText: new RegExp(`^${words}$`) })
        .first()
        .click()
    }
    await page.locator('#tsd-nav-container a', { hasText: 'HoneyHiveTracer' }).first().click()
    await page.waitForURL(`${home}${INIT.replace(/#.*/, '')}`)
    const init = page.locator('section.tsd-member', { has: page.locator('#init') })
    expect(await init.textContent()).toContain('HoneyHiveConfigError')
    await page.close()
  })

  test.for(['', 'documentation.html', 'configuration.html', 'privacy.html', 'reference/honeyhive-tracer/lambda.html', INIT])(
    'keeps nobody out of /%s',
    async (path) => {
      const page = await open(path)
      expect((await findBarriers(page)).filter((barrier) => /\((?:serious|critical)\)/.test(barrier))).toEqual([])
      await page.close()
    },
  )
})

function watch(page: Page, complaints: string[]): void {
  const complain = (words: string): void => void complaints.push(`${page.url()}: ${words}`)
  page.on('pageerror', (error) => complain(error.message))
  page.on('console', (message) => message.type() === 'error' && complain(message.text()))
  // What the step to the next page cuts off is no failure.
  page.on('requestfailed', (request) => request.failure()?.errorText !== 'net::ERR_ABORTED' && complain(`${request.url()} failed`))
  page.on('response', (response) => response.status() >= 400 && complain(`${response.status()} of ${response.url()}`))
}

/** In the page. Its scripts have run, and hide nothing any more. */
function look(): { links: string[]; anchors: string[]; width: number } {
  document.body.style.removeProperty('display')
  return {
    links: [...document.querySelectorAll('a[href]')].map((link) => (link as HTMLAnchorElement).href),
    anchors: [...document.querySelectorAll('[id]')].map(({ id }) => id),
    width: document.documentElement.scrollWidth,
  }
}

/** Links into the repository are held to this checkout; other hosts are not asked. */
function isDead(link: string, visits: ReadonlyMap<string, Visit>, home: string): boolean {
  const [url = '', anchor] = link.split('#')
  if (link.startsWith(`${repository}/`)) return !existsSync(join(ROOT, url.slice(repository.length).replace(/^\/(?:blob|tree)\/main/, '')))
  if (!link.startsWith(home)) return !/^https:/.test(link)
  if (/\.(?:png|svg)$/.test(url)) return !existsSync(join(SITE, url.slice(home.length)))
  const visit = visits.get(url === home ? `${home}index.html` : url)
  return visit === undefined || (anchor !== undefined && anchor !== '' && !visit.anchors.has(decodeURIComponent(anchor)))
}
