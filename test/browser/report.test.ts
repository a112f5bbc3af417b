import { chromium, type Browser, type Page } from 'playwright-core'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { evaluate, evaluator } from '../../src/experiments/index.js'

const OFFLINE = { apiKey: '', progress: false, printResults: false, git: false } as const
const LONG = 'Donaudampfschifffahrtsgesellschaftskapitän'.repeat(4)

/** A report with everything in it: failures, wide and long texts, plots, a comparison, thresholds. */
async function makeReport(): Promise<string> {
  const dataset = Array.from({ length: 60 }, (_, i) => ({ inputs: { question: i % 7 === 0 ? LONG : `東京 ${i}?`, i }, groundTruth: i }))
  const run = (shift: number, more: object) =>
    evaluate({
      ...OFFLINE,
      name: 'a report to be read on a phone',
      dataset,
      function: ({ inputs }) => {
        if (inputs.i % 13 === 5) throw new Error(`no answer to ${inputs.question}`)
        return { text: inputs.question, at: inputs.i + shift }
      },
      evaluators: [
        evaluator('faithfulness_to_the_retrieved_documents', (output: { at: number }) => ({
          score: (output.at % 11) / 11,
          words: output.at,
        })),
        evaluator('right', (output: { at: number }, _i: unknown, truth: unknown) => output.at === truth),
        evaluator('toxicity', { evaluate: (output: { at: number }) => output.at / 1_000, lowerIsBetter: true }),
      ],
      summaryEvaluators: { balance: () => 0.5 },
      thresholds: { errorRate: 0.2, right: 0.9 },
      ...more,
    })
  const result = await run(1, { baseline: await run(0, {}) })
  return result.toHTML()
}

describe('the HTML report', () => {
  let browser: Browser
  let html: string
  beforeAll(async () => {
    html = await makeReport()
    browser = await chromium.launch({
      executablePath: process.env['CHROMIUM'] ?? '/usr/bin/chromium',
      args: ['--headless', '--no-sandbox'],
    })
  })
  afterAll(() => browser.close())

  const open = async (width: number): Promise<Page> => {
    const page = await browser.newPage({ viewport: { width, height: 800 } })
    await page.setContent(html)
    for (const details of await page.locator('details').all()) await details.evaluate((element) => element.setAttribute('open', ''))
    return page
  }

  test.for([320, 390, 768, 1_280])('needs no sideways scrolling at %i px', async (width) => {
    const page = await open(width)
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width)
    // Nothing is cut off where it cannot be scrolled to either.
    const outside = await page.evaluate((right) => {
      const isOutside = (element: Element): boolean => element.getBoundingClientRect().right > right + 1
      const canScroll = (element: Element): boolean => getComputedStyle(element.closest('.wide') ?? element).overflowX === 'auto'
      return [...document.querySelectorAll('td, th[scope=row], figure, svg, li, p, summary, h1, h2')]
        .filter((element) => isOutside(element) && (right <= 640 || !canScroll(element)))
        .map((element) => element.outerHTML.slice(0, 200))
    }, width)
    expect(outside).toEqual([])
    await page.close()
  })

  test.for([320, 390])('breaks no word into letters at %i px, and names every value', async (width) => {
    const page = await open(width)
    const words = await page.evaluate(() => {
      const narrow: string[] = []
      for (const cell of document.querySelectorAll('td, th[scope=row]')) {
        const range = document.createRange()
        const text = cell.firstChild
        if (!(text instanceof Text)) continue
        // A word of an ordinary length stands in one line.
        for (const match of text.data.matchAll(/\p{Script=Latin}{3,14}(?!\p{L})/gu)) {
          range.setStart(text, match.index)
          range.setEnd(text, match.index + match[0].length)
          const before = text.data.slice(0, match.index).match(/\S*$/)?.[0].length ?? 0
          if (before === 0 && range.getClientRects().length > 1) narrow.push(match[0])
        }
      }
      return narrow
    })
    expect(words).toEqual([])
    const row = page.locator('tr', { hasText: 'no answer to' }).first()
    const names = await row.locator('td').evaluateAll((cells) => cells.map((cell) => getComputedStyle(cell, '::before').content))
    expect(names.join()).toContain('"faithfulness_to_the_retrieved_documents: "')
    await page.close()
  })

  test('shows plots with their intervals, and colours of good and bad, in both themes', async () => {
    const page = await open(320)
    expect(await page.locator('svg').count()).toBeGreaterThanOrEqual(4)
    const boxes = await page.locator('svg').evaluateAll((plots) => plots.map((plot) => plot.getBoundingClientRect().width))
    for (const width of boxes) expect(width).toBeGreaterThan(200)
    // As drawn, whatever a plot was scaled by.
    const letters = await page.locator('svg text').evaluateAll((texts) => texts.map((text) => text.getBoundingClientRect().height))
    for (const height of letters) expect(height).toBeGreaterThan(10)
    const apart = await page.locator('svg').evaluateAll((plots) =>
      plots.flatMap((plot) => {
        const right = plot.getBoundingClientRect().right + 1
        return [...plot.querySelectorAll('text')]
          .filter((text) => text.getBoundingClientRect().right > right)
          .map((text) => text.textContent)
      }),
    )
    expect(apart).toEqual([])
    const colours = new Set<string>()
    for (const colorScheme of ['light', 'dark'] as const) {
      await page.emulateMedia({ colorScheme })
      colours.add(
        await page
          .locator('.bad')
          .first()
          .evaluate((element) => getComputedStyle(element).color),
      )
    }
    expect(colours.size).toBe(2)
    await page.close()
  })
})
