// Makes docs/images/page.png anew: the demo's sessions in the local server's page, in the browser that the tests use.
// node scripts/take-screenshot.mjs; CHROMIUM names another browser than /usr/bin/chromium.
import { spawnSync } from 'node:child_process'
import { rmSync } from 'node:fs'
import { createRequire } from 'node:module'
import { join, resolve } from 'node:path'
import { pathToFileURL } from 'node:url'
import { chromium } from 'playwright-core'

const root = resolve(import.meta.dirname, '..')
const folder = join(root, '.honeyhive')
const tsx = pathToFileURL(createRequire(import.meta.url).resolve('tsx')).href

const { status } = spawnSync(process.execPath, ['--import', tsx, 'examples/demo/main.ts', '--keep'], { cwd: root, stdio: 'ignore' })
if (status !== 0) throw new Error('The demo failed: run `npm run demo` to see why.')
await import(tsx)
const { startDevServer } = await import('../src/dev/server.ts')
const server = await startDevServer({ port: 0, database: join(folder, 'demo.db') })
const browser = await chromium.launch({
  executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
  args: ['--headless', '--no-sandbox', '--disable-gpu'],
})
try {
  const page = await browser.newPage({ viewport: { width: 1500, height: 640 }, colorScheme: 'light' })
  const project = server.projects().find(({ name }) => name === 'customer-api')
  await page.goto(`${server.url}/#/p/${project.id}/sessions`)
  await page.locator('tbody tr').first().click()
  await page.keyboard.press('Enter')
  await page.getByText('POST /api/chat').first().click()
  await page.waitForTimeout(1_500)
  await page.mouse.move(0, 0)
  await page.screenshot({ path: join(root, 'docs/images/page.png') })
  process.stdout.write(`${page.url()}\n`)
} finally {
  await browser.close()
  await server.close()
  rmSync(join(folder, 'demo.db'), { force: true })
}
