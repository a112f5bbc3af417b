import type { Page } from 'playwright-core'
import { describe, expect, test } from 'vitest'
import { type Morning, sendMorning } from './morning.js'
import { findBarriers, settle, takePicture, usePageRoom } from './open-page.js'
import { PROJECTS, toHex, toUuid } from './traffic.js'

let morning: Morning
const room = usePageRoom(async (server) => {
  morning = await sendMorning(server, { largeEvents: 20_000 })
})

describe('every view', () => {
  const views = async (): Promise<readonly (readonly [string, string, string])[]> => {
    const project = `#/p/${room.projectId(PROJECTS.support)}`
    return [
      ['sessions', `${project}/sessions`, 'table.sessions'],
      ['session', morning.hashOf('gwa2', 'gwa2/answer'), '.event-pane .chat'],
      ['session-error', morning.hashOf('gwa2', 'gwa2/agent'), '.error-box'],
      ['session-large', morning.hashOf('large'), '.event-pane .identity'],
      ['runs', `${project}/runs`, 'table.runs'],
      ['run', `${project}/runs/${toUuid('run0')}`, '.histogram'],
      ['compare', `${project}/compare/${toUuid('run2')}/${toUuid('run0')}?metric=relevance`, '.scatter'],
      [
        'compare-row',
        `${project}/compare/${toUuid('run2')}/${toUuid('run0')}?metric=relevance&row=EXT-${toHex('row0', 12)}`,
        '.pair-sides',
      ],
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
    if (name !== 'help') return
    await page.keyboard.press('?')
    await page.getByRole('dialog').waitFor()
  }
  const leave = async (page: Page, name: string): Promise<void> => {
    if (name === 'help') await page.keyboard.press('Escape')
  }

  test.each(['dark', 'light'] as const)('has no serious or critical finding of axe-core, %s', async (theme) => {
    const page = await room.open('', { theme })
    const all: string[] = []
    for (const view of await views()) {
      await show(page, view)
      await takePicture(page, `${view[0]}-${theme}`)
      all.push(...(await findBarriers(page)).filter((one) => /\((serious|critical)\)/.test(one)).map((finding) => `${view[0]}: ${finding}`))
      await leave(page, view[0])
    }
    expect(all).toEqual([])
    await room.expectQuiet()
  })

  test('fits a window of 800 pixels', async () => {
    const page = await room.open('', { width: 800 })
    for (const view of await views()) {
      await show(page, view)
      await takePicture(page, `${view[0]}-800`)
      expect(await page.evaluate(() => document.documentElement.scrollWidth), view[0]).toBeLessThanOrEqual(800)
      await leave(page, view[0])
    }
    await room.expectQuiet()
  })
})
