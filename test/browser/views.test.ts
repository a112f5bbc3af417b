import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { type Morning, sendMorning } from './morning.js'
import { findBarriers, settle, takePicture, usePageRoom } from './open-page.js'
import { post } from './send.js'
import { PROJECTS, toHex, toUuid } from './traffic.js'

let morning: Morning
let datasetId: string
const room = usePageRoom(async (server) => {
  morning = await sendMorning(server, { largeEvents: 20_000 })
  const project = server.projects().find(({ name }) => name === PROJECTS.support)?.id
  const points = Array.from({ length: 3 }, (_, n) => ({
    inputs: { question: `How many seats has plan ${n}?` },
    groundTruth: { answer: 'ten' },
  }))
  const added = await post(server.url, `/api/datapoints?project=${project}`, { dataset: { name: 'Seats' }, points })
  datasetId = (added as { datasetId: string }).datasetId
})

describe('every view', () => {
  const views = async (): Promise<readonly (readonly [string, string, string])[]> => {
    const project = `#/p/${room.projectId(PROJECTS.support)}`
    return [
      ['sessions', `${project}/sessions`, 'table.sessions'],
      ['session', morning.hashOf('gwa2', 'gwa2/answer'), '.event-pane .chat'],
      ['session-error', morning.hashOf('gwa2', 'gwa2/agent'), '.error-box'],
      ['conversation', `${morning.hashOf('gwa2')}?view=conversation`, '.conversation .message'],
      ['evaluation-rows', `${project}/sessions?rows=runs`, 'table.sessions'],
      ['unknown', '#/nonsense', '.unknown-address'],
      ['session-large', morning.hashOf('large'), '.tree-row'],
      ['runs', `${project}/runs`, 'table.runs'],
      ['run', `${project}/runs/${toUuid('run0')}`, '.histogram'],
      ['compare', `${project}/compare/${toUuid('run2')}/${toUuid('run0')}?metric=relevance`, '.scatter'],
      [
        'compare-row',
        `${project}/compare/${toUuid('run2')}/${toUuid('run0')}?metric=relevance&row=EXT-${toHex('row0', 12)}`,
        '.pair-sides',
      ],
      ['datasets', `${project}/datasets`, 'table.datasets'],
      ['dataset', `${project}/datasets/${datasetId}`, 'table.rows'],
      ['add-row', morning.hashOf('gwa2', 'gwa2/answer'), '.event-pane .chat'],
      ['run-again', `${project}/runs/${toUuid('run0')}`, '.histogram'],
      ['trends', `${project}/trends`, '.time-plot canvas'],
      ['empty', `${project}/sessions?q=no+such+thing`, '.is-empty'],
      ['losses', `${project}/drops`, 'table.drops'],
      ['processes', '#/processes', 'table.processes'],
      ['help', '#/processes', 'table.processes'],
      ['process', `#/processes/${await morning.mainProcessId()}?e=${toUuid('gw2/route')}`, '.chosen .link-card'],
    ]
  }

  const show = async (page: Page, [name, hash, ready]: readonly [string, string, string]): Promise<void> => {
    await page.goto(`${room.server.url}/${hash}`)
    await page.locator(ready).first().waitFor()
    await settle(page)
    if (name === 'help') await page.keyboard.press('?')
    if (name === 'add-row') await page.getByRole('button', { name: 'Add to a data set' }).click()
    if (name === 'help' || name === 'add-row') await page.getByRole('dialog').waitFor()
    if (name === 'run-again') await page.getByText('Run again').click()
  }
  const leave = async (page: Page, name: string): Promise<void> => {
    if (name === 'help' || name === 'add-row') await page.keyboard.press('Escape')
  }

  test.each([
    ['dark', 1440],
    ['light', 1440],
    ['dark', 390],
    ['light', 390],
  ] as const)('has no finding of axe-core and fits its window, %s, %i pixels wide', async (theme, width) => {
    const page = await room.open('', { theme, width })
    const all: string[] = []
    for (const view of await views()) {
      const [name] = view
      await show(page, view)
      await takePicture(page, `${name}-${theme}-${width}`)
      all.push(...(await findBarriers(page)).map((finding) => `${name}: ${finding}`))
      expect(await page.evaluate(() => document.documentElement.scrollWidth), name).toBeLessThanOrEqual(width)
      await leave(page, name)
    }
    expect(all).toEqual([])
    await room.expectQuiet()
  })

  test('fits a window of 800 pixels', async () => {
    const page = await room.open('', { width: 800 })
    for (const view of await views()) {
      await show(page, view)
      expect(await page.evaluate(() => document.documentElement.scrollWidth), view[0]).toBeLessThanOrEqual(800)
      await leave(page, view[0])
    }
    await room.expectQuiet()
  })
})

describe('a window as narrow as a phone', () => {
  test('shows one thing at a time: projects behind a button, events, then one event and the way back', async () => {
    const page = await room.open(`#/p/${room.projectId(PROJECTS.gateway)}/sessions`, { width: 390 })
    const projects = page.getByRole('button', { name: PROJECTS.gateway })
    await projects.click()
    await page.getByRole('link', { name: PROJECTS.support }).click()
    await page.locator('table.sessions').waitFor()
    expect(await page.getByRole('button', { name: PROJECTS.support }).getAttribute('aria-expanded')).toBe('false')
    await page.goto(`${room.server.url}/${morning.hashOf('gwa2')}`)
    const row = page.locator(`[data-event="${toUuid('gwa2/answer')}"]`)
    await row.waitFor()
    expect(await page.locator('.event-pane').isVisible()).toBe(false)
    await row.click()
    await page.locator('.event-pane .chat').first().waitFor()
    expect(await page.locator('.waterfall').isVisible()).toBe(false)
    await page.getByRole('button', { name: 'All events' }).click()
    await row.waitFor()
    await room.expectQuiet()
  })
})

describe('an address that leads nowhere', () => {
  test.each([
    ['#/nonsense', 'There is nothing at this address'],
    ['#/p/1/nonsense', 'There is nothing at this address'],
    ['#/p/99999/sessions', 'There is no such project here'],
    ['#/%E0%A4%A', 'There is nothing at this address'],
  ])('says so: %s', async (hash, title) => {
    const page = await room.open(hash)
    await page.getByRole('heading', { name: title }).waitFor()
    await page.getByText(hash, { exact: true }).waitFor()
    await page.locator('main').getByRole('link', { name: PROJECTS.support }).click()
    await page.locator('table.sessions').waitFor()
    await room.expectQuiet()
  })
})
