import { describe, expect, test } from 'vitest'
import { startDevServer } from '../../src/dev/server.js'
import { eventually, takePicture, usePageRoom } from './open-page.js'
import { post, sendSession, sendSpans } from './send.js'
import { type Morning, sendMorning } from './morning.js'
import { HOSTILE_NAME, PROJECTS, toSupportSession, toUuid } from './traffic.js'

const LARGE = 20_000
let morning: Morning
const room = usePageRoom(async (server) => {
  morning = await sendMorning(server, { largeEvents: LARGE })
})

const eventRow = (key: string): string => `[data-event="${toUuid(key)}"]`

describe('projects and sessions', () => {
  test('chooses a project and shows only its own sessions', async () => {
    const page = await room.open(`#/p/${PROJECTS.gateway}/sessions`)
    await page.locator('table.sessions tbody tr').first().waitFor()
    await eventually(() => page.locator('table.sessions tbody tr').count()).toBe(4)
    await eventually(() => page.url()).toContain(`#/p/${room.projectId(PROJECTS.gateway)}/`)
    await page.getByRole('link', { name: PROJECTS.research }).click()
    await page.getByRole('link', { name: 'nightly crawl' }).waitFor()
    const names = await page.locator('table.sessions tbody .main-cell a').allTextContents()
    expect(names.toSorted()).toEqual(['brief #0', 'brief #1', 'brief #2', 'brief #3', 'nightly crawl'])
    await room.expectQuiet()
  })

  test('goes to the project that was seen last when the address names none', async () => {
    const page = await room.open('')
    await page.waitForURL(/#\/p\/\d+\/sessions/)
    await page.locator('table.sessions').waitFor()
    await room.expectQuiet()
  })

  test('filters by errors, type, source, metadata, text and time, all in the address', async () => {
    const page = await room.open(`#/p/${room.projectId(PROJECTS.support)}/sessions?metadata=customer:initech&source=production`)
    const rows = page.locator('table.sessions tbody tr')
    await rows.first().waitFor()
    const expected = morning.traffic.sessions.filter(
      (one) => one.project === PROJECTS.support && one.metadata?.['customer'] === 'initech' && one.source === 'production',
    )
    await eventually(() => rows.count()).toBe(expected.length)

    await page.goto(`${room.server.url}/#/p/${room.projectId(PROJECTS.support)}/sessions`)
    await page.getByRole('button', { name: 'Errors only' }).click()
    await page.waitForFunction(() =>
      [...document.querySelectorAll('table.sessions tbody tr')].every((row) => row.textContent?.includes('error')),
    )
    await eventually(() => page.url()).toContain('error=1')
    await page.getByRole('button', { name: 'Evaluation rows' }).click()
    await page.waitForFunction(() => document.querySelectorAll('table.sessions tbody tr').length === 3)
    expect(await page.getByLabel('Source').locator('option').allTextContents()).toEqual(['Any source', 'evaluation'])
    await page.getByRole('button', { name: 'Application' }).click()

    await page.keyboard.press('Escape')
    await page.keyboard.press('Escape')
    await page.waitForFunction(() => !location.hash.includes('?'))
    await page.keyboard.press('/')
    await page.keyboard.type('ask #')
    await page.waitForFunction(() => document.querySelectorAll('table.sessions tbody tr').length === 4)
    await page.getByLabel('Time').selectOption('15m')
    await page.waitForURL(/range=15m/)
    await page.getByLabel('Search names').fill('no such thing anywhere')
    await page.getByRole('heading', { name: 'No session matches' }).waitFor()
    await page.getByRole('link', { name: /Clear the filters/ }).click()
    await rows.nth(20).waitFor()
    await room.expectQuiet()
  })

  test('sorts by figures, the rows of experiments apart', async () => {
    const page = await room.open(`#/p/${room.projectId(PROJECTS.support)}/sessions`)
    const costs = page.locator('table.sessions tbody tr td:nth-last-child(2)')
    await costs.first().waitFor()
    expect(await page.locator('table.sessions tbody .chip').count()).toBe(0)
    await page.getByRole('button', { name: 'Cost', exact: true }).click()
    await page.locator('th[aria-sort="descending"]').getByText('Cost').waitFor()
    const shown = async (): Promise<number[]> =>
      (await costs.allTextContents()).map((text) => Number(text.replace('$', '').replace('–', '0')))
    await eventually(async () => {
      const all = await shown()
      return all.length > 20 && all.every((cost, at) => at === 0 || cost <= (all[at - 1] ?? 0))
    }).toBe(true)
    await page.getByRole('button', { name: 'Cost', exact: true }).click()
    await page.waitForURL(/sort=cost&order=asc/)
    await page.getByRole('button', { name: /Evaluation rows \(118\)/ }).click()
    await eventually(() => page.locator('table.sessions tbody .chip').count()).toBe(100)
    await room.expectQuiet()
  })

  test('shows what was asked and answered in each', async () => {
    const page = await room.open(`#/p/${room.projectId(PROJECTS.research)}/sessions`)
    const row = page.locator('table.sessions tbody tr').filter({ hasText: 'brief #1' })
    await row.getByText('ACME → Acme grew 14% in the quarter').waitFor()
    await room.expectQuiet()
  })

  test('loads older sessions on request and lists none twice', async () => {
    const page = await room.open(`#/p/${room.projectId(PROJECTS.support)}/sessions?rows=all`)
    await page.getByRole('button', { name: 'Load older sessions' }).click()
    await page.getByRole('button', { name: 'Load older sessions' }).waitFor({ state: 'detached' })
    const ids = await page.locator('table.sessions tbody tr').evaluateAll((rows) => rows.map((row) => row.getAttribute('data-session')))
    expect(ids.length).toBe(morning.traffic.sessions.filter((one) => one.project === PROJECTS.support).length)
    expect(new Set(ids).size).toBe(ids.length)
    await room.expectQuiet()
  })

  test('narrows the list to the stretch of time that is dragged over', async () => {
    const page = await room.open(`#/p/${room.projectId(PROJECTS.support)}/sessions`)
    const strip = page.locator('.activity svg')
    await strip.waitFor()
    const box = await strip.boundingBox()
    if (!box) throw new Error('the strip has no box')
    await page.mouse.move(box.x + box.width * 0.9, box.y + 10)
    await page.mouse.down()
    await page.mouse.move(box.x + box.width * 0.95, box.y + 10, { steps: 3 })
    await page.mouse.up()
    await page.waitForURL(/from=\d+&to=\d+/)
    const [, from = 0, to = 0] = (/from=(\d+)&to=(\d+)/.exec(page.url()) ?? []).map(Number)
    const expected = morning.traffic.sessions.filter((one) => one.project === PROJECTS.support && one.startMs >= from && one.startMs <= to)
    const own = expected.filter((one) => one.source !== 'evaluation')
    await page.waitForFunction((count) => document.querySelectorAll('table.sessions tbody tr').length === count, own.length)
    await page.getByRole('button', { name: 'Any time again' }).click()
    await page.locator('table.sessions tbody tr').nth(50).waitFor()
    await room.expectQuiet()
  })

  test('shows a session arrive and grow while one watches', async () => {
    const page = await room.open(`#/p/${room.projectId(PROJECTS.support)}/sessions`)
    await page.getByText('Live', { exact: true }).waitFor()
    await page.locator('table.sessions').waitFor()
    const arriving = toSupportSession('chat-9001', Date.now())
    await sendSession(room.server.url, { ...arriving, spans: arriving.spans.slice(0, 2) })
    const row = page.locator(`tr[data-session="${arriving.id}"]`)
    await row.waitFor()
    await eventually(() => row.getAttribute('class')).toContain('is-fresh')
    await row.getByRole('link').click()
    await page.locator('.tree-row').nth(2).waitFor()
    const before = await page.locator('.tree-row').count()
    await sendSpans(room.server.url, arriving, arriving.spans.slice(2))
    await page.waitForFunction((count) => document.querySelectorAll('.tree-row').length > count, before)
    await room.expectQuiet()
  })
})

describe('a session', () => {
  test('folds and unfolds its tree', async () => {
    const page = await room.open(morning.hashOf('gwa1'))
    const inner = page.locator(eventRow('gwa1/embed0'))
    await inner.waitFor()
    await page.locator(`${eventRow('gwa1/retrieve0')} button.tree-fold`).click()
    await inner.waitFor({ state: 'detached' })
    await eventually(() => page.locator(eventRow('gwa1/retrieve0')).getAttribute('aria-expanded')).toBe('false')
    await page.locator(`${eventRow('gwa1/retrieve0')} button.tree-fold`).click()
    await inner.waitFor()
    await page.getByRole('button', { name: 'Fold all' }).click()
    await eventually(() => page.locator('.tree-row').count()).toBe(2)
    await page.keyboard.press('f')
    await inner.waitFor()
    await room.expectQuiet()
  })

  test('moves the choice up when what holds it is folded', async () => {
    const page = await room.open(morning.hashOf('gwa1', 'gwa1/embed0'))
    await page.locator(`${eventRow('gwa1/retrieve0')} button.tree-fold`).click()
    await page.locator(`${eventRow('gwa1/retrieve0')}[aria-selected=true]`).waitFor()
    await eventually(() => page.url()).toContain(toUuid('gwa1/retrieve0'))
    await room.expectQuiet()
  })

  test('zooms into the stretch of time dragged over, and out again', async () => {
    const page = await room.open(morning.hashOf('gwa1'))
    const map = page.locator('.minimap')
    await map.waitFor()
    const box = await map.boundingBox()
    if (!box) throw new Error('the map has no box')
    await page.mouse.move(box.x + box.width * 0.2, box.y + 10)
    await page.mouse.down()
    await page.mouse.move(box.x + box.width * 0.4, box.y + 10, { steps: 3 })
    await page.mouse.up()
    await page.getByRole('button', { name: /shown/ }).waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('button', { name: /shown/ }).waitFor({ state: 'detached' })
    await eventually(() => page.locator('.tree-row').count()).toBeGreaterThan(5)
    await room.expectQuiet()
  })

  test('lets the panes be resized with the keyboard and remembers it', async () => {
    const page = await room.open(morning.hashOf('gwa1'))
    const bar = page.getByRole('separator', { name: /details/ })
    await bar.focus()
    const before = Number(await bar.getAttribute('aria-valuenow'))
    await page.keyboard.press('ArrowLeft')
    await eventually(async () => Number(await bar.getAttribute('aria-valuenow'))).toBe(before + 24)
    await page.reload()
    await eventually(async () => Number(await bar.getAttribute('aria-valuenow'))).toBe(before + 24)
    await room.expectQuiet()
  })

  test('is walked with the keyboard as a tree with one tab stop', async () => {
    const page = await room.open(morning.hashOf('gwa1'))
    await page.locator('.tree-row').first().waitFor()
    await page.locator('.tree-row[tabindex="0"]').focus()
    for (const key of ['ArrowDown', 'j', 'j']) await page.keyboard.press(key)
    const focused = (): Promise<string | null | undefined> => page.evaluate(() => document.activeElement?.getAttribute('data-event'))
    await eventually(focused).toBe(toUuid('gwa1/retrieve0'))
    await page.keyboard.press('ArrowLeft')
    await page.locator(eventRow('gwa1/embed0')).waitFor({ state: 'detached' })
    await page.keyboard.press('ArrowRight')
    await page.keyboard.press('ArrowRight')
    await eventually(focused).toBe(toUuid('gwa1/embed0'))
    await page.keyboard.press('ArrowLeft')
    await eventually(focused).toBe(toUuid('gwa1/retrieve0'))
    await page.keyboard.press('End')
    await eventually(focused).toBe(toUuid('gwa1/answer'))
    await eventually(() => page.locator('.tree-row[tabindex="0"]').count()).toBe(1)
    await page.keyboard.press('Enter')
    await eventually(() => page.evaluate(() => document.activeElement?.className)).toBe('event-pane')
    await page.keyboard.press('Escape')
    await eventually(focused).toBe(toUuid('gwa1/answer'))
    await page.keyboard.press('Escape')
    await page.locator('table.sessions').waitFor()
    await room.expectQuiet()
  })

  test('shows messages, tool calls, errors, metrics and feedback of the chosen event', async () => {
    const page = await room.open(morning.hashOf('gwa2', 'gwa2/answer'))
    const pane = page.locator('.event-pane')
    await pane.locator('.role-assistant .tool-card').waitFor()
    await eventually(() => pane.locator('.chat .message .role').allTextContents()).toEqual(['system', 'user', 'assistant', 'assistant'])
    await eventually(() => pane.locator('.tool-card').textContent()).toMatch(/lookup_invoice.*gave back.*in_2/)
    await eventually(() => pane.getByText('faithfulness').count()).toBe(1)
    await pane.getByRole('button', { name: 'JSON', exact: true }).first().click()
    await pane.getByText('chat_history').waitFor()
    await page.locator(eventRow('gwa2/invoice0')).click()
    await pane.getByText('BillingApiError').waitFor()
    await eventually(() => page.url()).toContain(`e=${toUuid('gwa2/invoice0')}`)
    await page.reload()
    await pane.getByText('BillingApiError').waitFor()
    await eventually(() => page.locator('.tree-row[aria-selected=true]').getAttribute('data-event')).toBe(toUuid('gwa2/invoice0'))
    await room.expectQuiet()
  })

  test('folds JSON and copies it', async () => {
    const page = await room.open(morning.hashOf('gwa1', 'gwa1/invoice0'))
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    const pane = page.locator('.event-pane')
    const fold = pane.locator('.json-fold').filter({ hasText: '2 items' })
    await fold.click()
    await eventually(() => fold.getAttribute('aria-expanded')).toBe('false')
    await pane.getByRole('button', { name: 'Copy: Input' }).click()
    await pane.getByRole('button', { name: 'Copied' }).waitFor()
    expect(JSON.parse(await page.evaluate(() => navigator.clipboard.readText()))).toEqual({ customer: 'cus_8841', period: '2026-11' })
    await room.expectQuiet()
  })

  test('follows the link to the other tracer and back', async () => {
    const page = await room.open(morning.hashOf('gwa0', 'gwa0/agent'))
    await page.locator('.link-card').filter({ hasText: 'dispatch to acme' }).click()
    await page.locator('.project-head h1').filter({ hasText: PROJECTS.gateway }).waitFor()
    await page.locator(`${eventRow('gw0/route')}[aria-selected=true]`).waitFor()
    await page.locator('.link-card').filter({ hasText: 'support agent' }).click()
    await page.locator(`${eventRow('gwa0/agent')}[aria-selected=true]`).waitFor()
    await page.locator('.project-head h1').filter({ hasText: PROJECTS.support }).waitFor()
    await room.expectQuiet()
  })

  test('finds events by name and steps through errors', async () => {
    const page = await room.open(morning.hashOf('large'))
    await page.locator('.tree-row').first().waitFor()
    await page.keyboard.press('n')
    await page.locator('.tree-row.is-selected.has-error').waitFor()
    await page.keyboard.press('/')
    await page.keyboard.type('page 1234')
    await page.keyboard.press('Enter')
    await page.locator('.tree-row.is-selected').filter({ hasText: 'page 1234' }).waitFor()
    await room.expectQuiet()
  })

  test('has labels on its time axis that do not stand in one another, however narrow the window is', async () => {
    const page = await room.open(morning.hashOf('large'))
    await page.locator('.tree-row').first().waitFor()
    const labelsAt = async (width: number): Promise<{ shown: number; overlapping: number }> => {
      await page.setViewportSize({ width, height: 900 })
      return page.evaluate(() => {
        const labels = [...document.querySelectorAll('.waterfall-axis span')]
        const shown = labels
          .filter((label) => getComputedStyle(label).color !== 'rgba(0, 0, 0, 0)')
          .map((label) => label.getBoundingClientRect())
        const overlapping = shown.filter((box, i) => i > 0 && box.left < (shown[i - 1] as DOMRect).right)
        return { shown: shown.length, overlapping: overlapping.length }
      })
    }
    expect(await labelsAt(1920)).toMatchObject({ overlapping: 0 })
    expect((await labelsAt(1920)).shown).toBeGreaterThan(3)
    for (const width of [1440, 1180, 1000]) expect(await labelsAt(width)).toMatchObject({ overlapping: 0 })
    await room.expectQuiet()
  })

  test('of 20,000 events scrolls with a bounded number of rows in the document', async () => {
    const page = await room.open(morning.hashOf('large'))
    await page.locator('.tree-row').first().waitFor()
    const most = await page.evaluate(async () => {
      const box = document.querySelector('.waterfall-rows') as HTMLElement
      const frame = (): Promise<number> => new Promise((resolve) => requestAnimationFrame(resolve))
      let rows = 0
      for (let step = 0; step <= 60; step++) {
        box.scrollTop = (box.scrollHeight / 60) * step
        await frame()
        await frame()
        rows = Math.max(rows, document.querySelectorAll('.tree-row').length)
      }
      return { rows, height: box.scrollHeight }
    })
    expect(most.height).toBe((LARGE + 1) * 26)
    expect(most.rows).toBeGreaterThan(20)
    expect(most.rows).toBeLessThan(90)
    await page.locator('.tree-row[tabindex="0"]').focus()
    await page.keyboard.press('End')
    await page.waitForFunction(
      (last) => document.activeElement?.getAttribute('data-event') === last,
      toUuid(morning.sessionOf('large').spans.at(-1)?.key ?? ''),
    )
    await room.expectQuiet()
  })
})

describe('processes', () => {
  test('shows every tracer of a process in its lane, with links, and opens an event by keys alone', async () => {
    const page = await room.open('#/processes')
    await page.locator('table.processes tbody tr').filter({ hasText: '4711' }).getByRole('link').click()
    await page.locator('.lane-names li').nth(2).waitFor()
    expect((await page.locator('.lane-names a').allTextContents()).toSorted()).toEqual(Object.values(PROJECTS).toSorted())
    await eventually(() => page.locator('.link-list li').count()).toBe(8)
    await page.goto(`${room.server.url}/#/processes/${await morning.mainProcessId()}?e=${toUuid('gw2/route')}`)
    await page.locator('.chosen').getByText('dispatch to acme').waitFor()
    await page.locator('.lane-plot canvas').focus()
    await page.keyboard.press('l')
    await page.locator('.chosen').getByText('support agent').waitFor()
    await page.keyboard.press('Enter')
    await page.locator(`${eventRow('gwa2/agent')}[aria-selected=true]`).waitFor()
    await room.expectQuiet()
  })

  test('chooses the bar under the pointer', async () => {
    const page = await room.open(`#/processes/${await morning.mainProcessId()}`)
    const canvas = page.locator('.lane-plot canvas')
    await canvas.waitFor()
    const box = await canvas.boundingBox()
    if (!box) throw new Error('the canvas has no box')
    await canvas.focus()
    await page.keyboard.press('0')
    await page.getByRole('button', { name: 'Latest' }).click()
    for (let x = 10; x < box.width && !page.url().includes('e='); x += 25) await page.mouse.click(box.x + x, box.y + 18)
    await page.locator('.chosen .link-card').waitFor()
    await room.expectQuiet()
  })
})

describe('runs', () => {
  test('compares two runs, names improved and worse rows, and shows a row of both', async () => {
    const page = await room.open(`#/p/${room.projectId(PROJECTS.support)}/runs`)
    await page.getByLabel('Compare prompt v3, gpt-4.1-mini').check()
    await page.getByLabel('Compare prompt v4, claude-sonnet-4').check()
    await page.getByRole('button', { name: 'Compare', exact: true }).click()
    await page.getByRole('button', { name: 'relevance', exact: true }).click()
    const points = page.locator('.scatter circle')
    await points.first().waitFor()
    // Rows that failed are among them.
    await eventually(() => points.count()).toBe(40)
    const worse = await page.locator('.scatter circle.worse').count()
    expect(worse).toBeGreaterThan(0)
    await page.getByRole('button', { name: `${worse} worse` }).click()
    await eventually(() => page.locator('table.pairs tbody tr').count()).toBe(worse)
    await page.locator('table.pairs tbody tr').first().click()
    await page.locator('.pair-sides').getByRole('heading', { name: 'Old' }).waitFor()
    await page.getByRole('button', { name: 'All 40' }).click()
    const last = await page.locator('table.pairs tbody tr[data-datapoint]').last().getAttribute('data-datapoint')
    await page.locator('.scatter circle').last().click({ force: true })
    await page.locator(`table.pairs tr.is-chosen[data-datapoint="${last}"]`).waitFor()
    await eventually(() => page.locator(`tr[data-datapoint="${last}"]`).evaluate((row) => row.getBoundingClientRect().top)).toBeLessThan(
      900,
    )
    await eventually(() => page.url()).toMatch(/row=EXT-/)
    await room.expectQuiet()
  })

  test('compares three runs, tells chance from change, and marks what differs word by word', async () => {
    const page = await room.open(`#/p/${room.projectId(PROJECTS.support)}/runs`)
    for (const name of ['prompt v3, gpt-4.1-mini', 'prompt v4, gpt-4.1-mini', 'prompt v4, claude-sonnet-4'])
      await page.getByLabel(`Compare ${name}`).check()
    await page.getByRole('button', { name: 'Compare', exact: true }).click()
    const metrics = page.locator('table.metrics tbody tr')
    await metrics.nth(2).waitFor()
    expect(await page.locator('table.metrics thead th').allTextContents()).toEqual([
      'Metric',
      'prompt v3, gpt-4.1-mini',
      'prompt v4, claude-sonnet-4',
      'prompt v4, gpt-4.1-mini',
      'Worse, same, improved',
    ])
    expect(await metrics.first().textContent()).toMatch(/0\.\d+ to 0\.\d+2 failed, as 0.*\+0\.\d+.*38 of 40 rows/)
    const before = await page.locator('table.pairs tr.verdict-worse').count()
    await page.getByRole('button', { name: /relevance: more is better/ }).click()
    await page.getByText('below the diagonal is better').waitFor()
    await eventually(() => page.locator('table.pairs tr.verdict-improved').count()).toBe(before)
    await page.getByLabel('Compare with').selectOption({ label: 'against prompt v4, gpt-4.1-mini' })
    await page.waitForURL(new RegExp(`${toUuid('run1')}$|${toUuid('run1')}\\?`))
    await page.getByLabel('Look at').selectOption({ label: 'Look at prompt v3, gpt-4.1-mini' })
    await page.getByRole('button', { name: /relevance: less is better/ }).click()
    await page.getByRole('button', { name: '2 missing' }).click()
    await page.locator('table.pairs').getByText('no row').first().waitFor()
    await page.getByRole('button', { name: /^\d+ worse$/ }).click()
    await page.locator('table.pairs').getByText('RateLimitError: 429').first().waitFor()
    await page.getByRole('button', { name: 'All 40' }).click()
    const changed = page.locator('table.pairs tbody tr').filter({ hasText: 'CSV export' }).filter({ hasText: 'Open Settings' }).first()
    await changed.locator('button').click()
    await page.locator('.word-diff ins').first().waitFor()
    expect(await page.locator('.word-diff del').count()).toBeGreaterThan(0)
    await takePicture(page, 'compare-three-dark')
    await room.expectQuiet()
  })

  test('shows how the scores of a run are spread, sorts its rows and opens the session of one', async () => {
    const page = await room.open(`#/p/${room.projectId(PROJECTS.support)}/runs`)
    await page.getByRole('link', { name: 'prompt v3, gpt-4.1-mini' }).click()
    await page.locator('.histogram').nth(2).waitFor()
    await page.getByRole('button', { name: 'relevance' }).click()
    const cells = page.locator('table.rows tbody tr .metric:nth-of-type(5)')
    const scores = (await cells.allTextContents()).map(Number).filter(Number.isFinite)
    expect(scores.length).toBeGreaterThan(30)
    expect(scores).toEqual(scores.toSorted((a, b) => a - b))
    await page.locator('table.rows tbody tr').nth(5).click()
    await page.locator('.tree-row').first().waitFor()
    await page.getByRole('link', { name: 'part of a run' }).waitFor()
    await room.expectQuiet()
  })
})

describe('trends and losses', () => {
  test('draws cost, tokens, latency and events over time', async () => {
    const page = await room.open(`#/p/${room.projectId(PROJECTS.support)}/trends`)
    await page.locator('.time-plot canvas').nth(3).waitFor()
    await eventually(() => page.locator('.time-plot figcaption').allTextContents()).toEqual([
      'Cost',
      'Tokens',
      'Latency of events',
      'Events',
    ])
    const inked = (): Promise<boolean[]> =>
      page.locator('.time-plot canvas').evaluateAll((all) =>
        all.map((canvas) => {
          const drawing = canvas as HTMLCanvasElement
          const pixels = drawing.getContext('2d')?.getImageData(0, 0, drawing.width, drawing.height).data ?? new Uint8ClampedArray()
          return pixels.some((value, at) => at % 4 === 3 && value > 0)
        }),
      )
    await eventually(inked).toEqual([true, true, true, true])
    await room.expectQuiet()
  })

  test('lists what was lost, why, and what to do', async () => {
    const page = await room.open(`#/p/${room.projectId(PROJECTS.support)}/drops`)
    const rows = page.locator('table.drops tbody tr')
    await rows.first().waitFor()
    await eventually(() => rows.first().textContent()).toMatch(/queueFull.*1,204.*Raise the queue size/)
    await eventually(() => page.locator('.tabs .badge').textContent()).toBe('1,517')
    await room.expectQuiet()
  })
})

describe('keyboard', () => {
  test('moves through the list, opens a row, goes between sections and projects, shows the help', async () => {
    const page = await room.open(`#/p/${room.projectId(PROJECTS.support)}/sessions`)
    await page.locator('table.sessions').waitFor()
    for (const key of ['j', 'j', 'k', 'j']) await page.keyboard.press(key)
    const second = await page.locator('table.sessions tbody a[data-row]').nth(1).getAttribute('href')
    await eventually(() => page.evaluate(() => document.activeElement?.getAttribute('href'))).toBe(second)
    await page.keyboard.press('Enter')
    await page.locator('.tree-row').first().waitFor()
    for (const key of ['g', 'r']) await page.keyboard.press(key)
    await page.locator('table.runs').waitFor()
    for (const key of ['g', 'p']) await page.keyboard.press(key)
    await page.locator('table.processes').waitFor()
    await page.keyboard.press('?')
    await page.getByRole('dialog').waitFor()
    await page.keyboard.press('Escape')
    await page.getByRole('dialog').waitFor({ state: 'detached' })
    await eventually(() => page.locator('table.processes').count()).toBe(1)
    await room.expectQuiet()
  })

  test('closes the help by its button, beside it, by escape and by the key that opened it', async () => {
    const page = await room.open('#/processes')
    await page.locator('table.processes').waitFor()
    const dialog = page.getByRole('dialog')
    const ways = [
      () => dialog.getByRole('button', { name: 'Close' }).click(),
      () => page.mouse.click(5, 5),
      () => page.keyboard.press('Escape'),
      () => page.keyboard.press('?'),
    ]
    for (const close of ways) {
      await page.keyboard.press('?')
      await dialog.waitFor()
      await close()
      // By its tag: a dialog that the browser has closed has no role any more, though the page has yet to hear of it.
      await page.locator('dialog').waitFor({ state: 'detached' })
    }
    await room.expectQuiet()
  })

  test('shows where the focus is', async () => {
    const page = await room.open(`#/p/${room.projectId(PROJECTS.support)}/sessions`)
    await page.locator('table.sessions').waitFor()
    for (let step = 0; step < 25; step++) {
      await page.keyboard.press('Tab')
      const outline = await page.evaluate(() => {
        const style = getComputedStyle(document.activeElement ?? document.body)
        return `${style.outlineStyle} ${style.outlineWidth}`
      })
      expect(outline).toBe('solid 2px')
    }
    await room.expectQuiet()
  })
})

describe('what could go wrong', () => {
  test('S09 shows markup in names, inputs and metadata as text and loads nothing for it', async () => {
    const page = await room.open(`#/p/${room.projectId(PROJECTS.support)}/sessions`)
    await page.getByRole('link', { name: HOSTILE_NAME }).first().waitFor()
    await page.goto(`${room.server.url}/${morning.hashOf('hostile', 'hostile/span')}`)
    await page.locator('.event-pane .message').first().waitFor()
    await eventually(() => page.locator('.event-pane h3').textContent()).toContain(HOSTILE_NAME)
    await page.goto(`${room.server.url}/#/processes/${await morning.mainProcessId()}?e=${toUuid('hostile/span')}`)
    await page.locator('.chosen').getByText(HOSTILE_NAME).first().waitFor()
    expect(await page.evaluate(() => (globalThis as { __hit?: number }).__hit)).toBeUndefined()
    expect(await page.locator('img, script:not([src="app.js"])').count()).toBe(0)
    await room.expectQuiet()
  })

  test('tells what to do when nothing has arrived, with both environment variables', async () => {
    const empty = await startDevServer({ port: 0, database: ':memory:' })
    try {
      const page = await room.open('', { url: empty.url })
      await page.getByRole('heading', { name: 'Nothing has arrived yet' }).waitFor()
      const text = await page.locator('.code-block pre').textContent()
      expect(text).toContain(`HH_API_URL=${empty.url}`)
      expect(text).toContain('HH_API_KEY=')
      await sendSession(empty.url, toSupportSession('chat-1', Date.now()))
      await page.locator('table.sessions tbody tr').waitFor()
      await page.getByRole('link', { name: 'Runs' }).click()
      await page.getByRole('heading', { name: 'No experiment runs' }).waitFor()
      await page.getByRole('link', { name: 'Losses' }).click()
      await page.getByRole('heading', { name: 'Nothing was lost' }).waitFor()
      await room.expectQuiet()
    } finally {
      await empty.close()
    }
  })

  test('shows spans for which no session was started', async () => {
    const spans = [
      {
        traceId: 'a'.repeat(32),
        spanId: 'b'.repeat(16),
        parentSpanId: 'c'.repeat(16),
        name: 'orphan',
        kind: 1,
        startTimeUnixNano: `${Date.now()}000000`,
        endTimeUnixNano: `${Date.now() + 5}000000`,
      },
    ]
    const attributes = [{ key: 'honeyhive.project', value: { stringValue: 'raw-otel' } }]
    await post(room.server.url, '/v1/traces', {
      resourceSpans: [{ resource: { attributes }, scopeSpans: [{ scope: { name: 'raw' }, spans }] }],
    })
    const page = await room.open('#/p/raw-otel/sessions')
    await page.locator('table.sessions tbody a').click()
    await page.getByRole('heading', { name: 'Made from its spans' }).waitFor()
    await page.locator('.tree-row').filter({ hasText: 'orphan' }).click()
    await page.locator('.event-pane h3').filter({ hasText: 'orphan' }).waitFor()
    await room.expectQuiet()
  })

  test('finds one project among many', async () => {
    const many = await startDevServer({ port: 0, database: ':memory:' })
    try {
      for (let at = 0; at < 12; at++)
        await sendSession(many.url, { ...toSupportSession(`chat-${at}`, Date.now()), project: `tenant-${at}` })
      const page = await room.open('', { url: many.url })
      await page.getByLabel('Find a project').waitFor()
      await page.keyboard.press('p')
      await page.keyboard.type('tenant-11')
      await page.waitForFunction(() => document.querySelectorAll('.rail li').length === 1)
      await page.getByRole('link', { name: 'tenant-11' }).click()
      await page.locator('.project-head h1').filter({ hasText: 'tenant-11' }).waitFor()
      await room.expectQuiet()
    } finally {
      await many.close()
    }
  })

  test('tells what to do when the server refuses or is gone', async () => {
    const passing = await startDevServer({ port: 0, database: ':memory:' })
    await sendSession(passing.url, toSupportSession('chat-2', Date.now()))
    const page = await room.open('#/p/1/sessions/nothing', { url: passing.url, expectsFailures: true })
    await page.getByRole('alert').getByText('The server answered 404').waitFor()
    await page.goto(`${passing.url}/#/p/1/sessions`)
    await page.locator('table.sessions').waitFor()
    await passing.close()
    await page.getByText('Connection lost').waitFor()
    await page.getByRole('link', { name: 'Runs' }).click()
    await page.getByRole('alert').getByText('npx honeyhive-tracer dev').waitFor()
    await room.expectQuiet()
  })

  test('remembers the chosen theme', async () => {
    const page = await room.open(`#/p/${room.projectId(PROJECTS.support)}/drops`, { theme: 'dark' })
    const background = (): Promise<string> => page.evaluate(() => getComputedStyle(document.body).backgroundColor)
    await page.locator('table.drops').waitFor()
    const dark = await background()
    for (const key of ['T', 'T']) await page.keyboard.press(key)
    await eventually(() => page.evaluate(() => document.documentElement.dataset['theme'])).toBe('light')
    await eventually(background).not.toBe(dark)
    await page.reload()
    await page.locator('table.drops').waitFor()
    await eventually(background).not.toBe(dark)
    await room.expectQuiet()
  })
})
