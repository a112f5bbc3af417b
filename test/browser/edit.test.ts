import { execFile } from 'node:child_process'
import { mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import type { Download, Page } from 'playwright-core'
import { describe, expect, onTestFinished, test } from 'vitest'
import type { EventDetail } from '../../src/dev/page-api/contract.js'
import { eventually, findBarriers, takePicture, usePageRoom } from './open-page.js'
import { type Morning, sendMorning } from './morning.js'
import { post } from './send.js'
import { PROJECTS, toHex, toUuid } from './traffic.js'

let morning: Morning
const room = usePageRoom(async (server) => {
  morning = await sendMorning(server, { largeEvents: 0 })
})

const EVENT = toUuid('gwa2/answer')
const stored = (): EventDetail | undefined => room.server.events().find(({ id }) => id === EVENT)
const openEvent = async (options = {}): Promise<Page> => {
  const page = await room.open(morning.hashOf('gwa2', 'gwa2/answer'), options)
  await page.locator('.annotate').waitFor()
  return page
}

describe('a judgement', () => {
  test.each([
    ['dark', 1440],
    ['light', 390],
  ] as const)('is given by thumb, note and score, shown at once, and taken back, %s, %i pixels wide', async (theme, width) => {
    const page = await openEvent({ theme, width })
    const judgement = page.getByRole('region', { name: 'Your judgement' })
    await judgement.getByRole('button', { name: 'Good' }).click()
    await eventually(() => stored()?.feedback['thumbs_up']).toBe(true)
    await judgement.getByLabel('Note', { exact: true }).fill('says too much')
    await judgement.getByLabel('Note', { exact: true }).blur()
    await eventually(() => stored()?.feedback['note']).toBe('says too much')
    await judgement.getByLabel('Name of a score').fill('tone')
    await judgement.getByLabel('Score', { exact: true }).fill('0.25')
    await judgement.getByRole('button', { name: 'Score', exact: true }).click()
    await eventually(() => stored()?.metrics['tone']).toBe(0.25)
    await page.locator('.scores').getByText('tone').waitFor()
    await takePicture(page, `judged-${theme}-${width}`)
    expect(await findBarriers(page)).toEqual([])
    expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width)
    await page.locator('.toast').filter({ hasText: 'tone: 0.25' }).getByRole('button', { name: 'Undo' }).click()
    await eventually(() => stored()?.metrics['tone']).toBeNull()
    await eventually(() => page.locator('.scores').getByText('tone').count()).toBe(0)
    await judgement.getByRole('button', { name: 'Bad' }).click()
    await eventually(() => stored()?.feedback['thumbs_up']).toBe(false)
    await judgement.getByRole('button', { name: 'Bad' }).click()
    await eventually(() => stored()?.feedback['thumbs_up']).toBeNull()
    await judgement.getByLabel('Note', { exact: true }).fill('')
    await judgement.getByLabel('Note', { exact: true }).blur()
    await eventually(() => stored()?.feedback['note']).toBeNull()
    await room.expectQuiet()
  })

  test('that the server refuses is said, and nothing is lost of what was written', async () => {
    const page = await openEvent({ expectsFailures: true })
    await page.route('**/annotation**', (route) => route.fulfill({ status: 503, json: { message: 'The local database is in use' } }))
    const note = page.getByLabel('Note', { exact: true })
    await note.fill('kept')
    await note.blur()
    await page.locator('.toast.is-bad').getByText('The local database is in use').waitFor()
    expect(await note.inputValue()).toBe('kept')
    await room.expectQuiet()
  })
})

describe('a data set', () => {
  test('takes an event as a row, loses it by undo, and is a view and a file', async () => {
    const page = await openEvent()
    await page.getByRole('button', { name: 'Add to a data set' }).click()
    const dialog = page.getByRole('dialog')
    await dialog.getByLabel('Its name').fill('Hard questions')
    await dialog.getByLabel('What should come out').fill('{ "answer": ')
    await dialog.getByText('What should come out is not JSON.').waitFor()
    expect(await dialog.getByRole('button', { name: 'Add', exact: true }).isDisabled()).toBe(true)
    await dialog.getByLabel('What should come out').fill('{ "answer": "ten" }')
    await dialog.getByRole('button', { name: 'Add', exact: true }).click()
    await page.locator('.toast').getByText('Added to Hard questions.').waitFor()
    await page.getByRole('button', { name: 'Add to a data set' }).click()
    await dialog.getByRole('combobox').selectOption({ label: 'Hard questions (1)' })
    await dialog.getByRole('button', { name: 'Add', exact: true }).click()
    await page.locator('.toast').nth(1).waitFor()
    await page.locator('.waterfall').click()
    await page.keyboard.press('u')
    await page.locator('.toast').getByText('Taken back').waitFor()
    await page.getByRole('link', { name: 'Data sets' }).click()
    await page.getByRole('link', { name: 'Hard questions' }).click()
    await page.locator('table.rows tbody tr').first().waitFor()
    expect(await page.locator('table.rows tbody tr').count()).toBe(1)
    await page.getByText('Export', { exact: true }).click()
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: 'JSON lines' }).click()])
    expect(JSON.parse(await readDownload(download))).toMatchObject({ groundTruth: { answer: 'ten' } })
    await page.getByRole('link', { name: 'an event' }).click()
    await page
      .locator('.event-head h3')
      .getByText(stored()?.name ?? '')
      .waitFor()
    await room.expectQuiet()
  })

  test('dialog closes by escape, and leaves the session where it was', async () => {
    const page = await openEvent()
    await page.getByRole('button', { name: 'Add to a data set' }).click()
    await page.getByRole('dialog').waitFor()
    await page.keyboard.press('Escape')
    await eventually(() => page.getByRole('dialog').count()).toBe(0)
    expect(page.url()).toContain(EVENT)
    await room.expectQuiet()
  })
})

const readDownload = async (download: Download): Promise<string> => readFile(await download.path(), 'utf8')

describe('files', () => {
  test.each([
    ['JSON', /^\[\n\{"event_id"/],
    ['JSON lines', /^\{"event_id"/],
    ['CSV', /^event_id,session_id,/],
    ['OTLP, for honeyhive-tracer import', /^\{"resourceSpans"/],
  ] as const)('of a session: %s', async (form, start) => {
    const page = await openEvent()
    await page.locator('.session-head').getByText('Export', { exact: true }).click()
    const [download] = await Promise.all([page.waitForEvent('download'), page.getByRole('link', { name: form, exact: true }).click()])
    expect(await readDownload(download)).toMatch(start)
    expect(download.suggestedFilename()).toMatch(/^session-\w+\./)
    await room.expectQuiet()
  })

  test('the menu closes by escape without leaving the view', async () => {
    const page = await openEvent()
    const address = page.url()
    await page.locator('.session-head').getByText('Export', { exact: true }).click()
    await page.getByRole('link', { name: 'CSV' }).waitFor()
    await page.keyboard.press('Escape')
    expect(await page.getByRole('link', { name: 'CSV' }).isVisible()).toBe(false)
    expect(page.url()).toBe(address)
    await room.expectQuiet()
  })
})

describe('what is deleted', () => {
  test('a session leaves the list, in every open page, and comes back by undo', async () => {
    const id = toUuid('gwa3')
    const list = await room.open(`#/p/${room.projectId(morning.sessionOf('gwa3').project)}/sessions`)
    await list.locator(`[data-session="${id}"]`).waitFor()
    const other = await room.open(morning.hashOf('gwa3'), { expectsFailures: true })
    await other.locator('.waterfall').waitFor()
    const page = await room.open(morning.hashOf('gwa3'))
    await page.getByRole('button', { name: 'Delete: Session' }).click()
    await page.locator('.toast').getByText('deleted').waitFor()
    await eventually(() => list.locator(`[data-session="${id}"]`).count()).toBe(0)
    expect(room.server.sessions().some((session) => session.id === id)).toBe(false)
    await other.getByRole('heading', { name: 'The server answered 404' }).waitFor()
    await takePicture(page, 'deleted-dark')
    await page.getByRole('button', { name: 'Undo' }).click()
    await page.locator(`[data-session="${id}"]`).waitFor()
    await list.locator(`[data-session="${id}"]`).waitFor()
    await other.locator('.waterfall').waitFor()
    await room.expectQuiet()
  })

  test('a run leaves the list and comes back by the key', async () => {
    const page = await room.open(`#/p/${room.projectId(PROJECTS.support)}/runs/${toUuid('run1')}`)
    await page.getByRole('button', { name: 'Delete: Run' }).click()
    await page.locator('table.runs').waitFor()
    await eventually(() => page.locator('table.runs tbody tr').count()).toBe(2)
    await page.keyboard.press('u')
    await eventually(() => page.locator('table.runs tbody tr').count()).toBe(3)
    await room.expectQuiet()
  })
})

describe('search in a session', () => {
  test('finds what stands inside of events, says where, and steps through it', async () => {
    const page = await room.open(morning.hashOf('gwa2'))
    const answer = stored()
    const word = /[a-z]{7,}/.exec(JSON.stringify(answer?.outputs).replace(/^.*?content/, ''))?.[0] ?? ''
    expect(word).not.toBe('')
    await page.getByLabel('Find in names').fill(word.toUpperCase())
    await page
      .locator('.find-count')
      .getByText(/[1-9]\d* match/)
      .waitFor()
    await page.getByLabel('Find in names').press('Enter')
    await page.locator('.found mark').waitFor()
    expect((await page.locator('.found mark').textContent())?.toLowerCase()).toBe(word)
    await takePicture(page, 'found-dark')
    expect(await findBarriers(page)).toEqual([])
    await room.expectQuiet()
  })
})

describe('the command that runs a run again', () => {
  test('names the run, in words a shell reads', async () => {
    const page = await room.open(`#/p/${room.projectId(PROJECTS.support)}/runs/${toUuid('run0')}`)
    await page.getByText('Run again').click()
    const commands = await page.locator('.command pre').allTextContents()
    const all = `HH_API_URL=${room.server.url} npx honeyhive-tracer eval \\\n  --filter 'prompt v3, gpt-4.1-mini' \\\n  --baseline ${toUuid('run0')}`
    expect(commands).toEqual([all, `${all} --failed`])
    await room.expectQuiet()
  })

  test('does so: the new run is there, compared with the one it came from', async () => {
    const root = join(import.meta.dirname, '../..')
    const folder = await mkdtemp(join(tmpdir(), 'again-'))
    onTestFinished(() => rm(folder, { recursive: true, force: true }))
    const name = "seats: what's in a plan?"
    await writeFile(
      join(folder, 'seats.eval.ts'),
      `import { defineExperiment, exactMatch } from ${JSON.stringify(join(root, 'src/experiments/index.ts'))}
       export const seats = defineExperiment({ name: ${JSON.stringify(name)}, evaluators: { match: exactMatch() }, thresholds: { match: 0.5 }, function: async () => 'ten' as string,
         dataset: [{ inputs: { q: 'team' }, groundTruth: 'ten' }, { inputs: { q: 'pro' }, groundTruth: 'two' }] })`,
    )
    const cli = `'${process.execPath}' --import '${import.meta.resolve('tsx')}' '${join(root, 'src/cli/main.ts')}'`
    const execute = (command: string): Promise<{ stdout: string }> =>
      promisify(execFile)('sh', ['-c', command.replace('npx honeyhive-tracer', cli)], {
        cwd: folder,
        env: { PATH: process.env['PATH'] ?? '', HH_API_KEY: 'key-of-the-experiments' },
      })
    const runs = async (): Promise<readonly { id: string; projectId: string; name: string }[]> => {
      const { runs: all } = (await (await fetch(`${room.server.url}/api/runs`)).json()) as {
        runs: { id: string; projectId: string; name: string }[]
      }
      return all.filter((one) => one.name === name)
    }
    await execute(`HH_API_URL=${room.server.url} npx honeyhive-tracer eval`)
    const [first] = await runs()
    const page = await room.open(`#/p/${first?.projectId}/runs/${first?.id}`)
    await page.getByText('Run again').click()
    const command = (await page.locator('.command pre').first().textContent()) ?? ''
    const { stdout } = await execute(command)
    expect(stdout).toContain('passed: 1 of 1 experiments')
    expect(await runs()).toHaveLength(2)
    const [second] = await runs()
    await page.goto(`${room.server.url}/#/p/${first?.projectId}/compare/${second?.id}/${first?.id}`)
    await page.locator('table.pairs tbody tr').nth(1).waitFor()
    expect(await page.locator('table.metrics tbody tr').first().textContent()).toContain('match')
    await room.expectQuiet()
  })
})

test('a run of many rows and its comparison keep the document small', async () => {
  const size = 6_000
  const send = async (run: string): Promise<string> => {
    const id = toUuid(run)
    await post(
      room.server.url,
      '/v1/runs',
      { run_id: id, name: run, status: 'completed', event_ids: [] },
      { authorization: 'Bearer key-of-many' },
    )
    const spans = Array.from({ length: size }, (_, n) => {
      const attributes = {
        'honeyhive.session_id': toUuid(`${run} ${n}`),
        honeyhive_event_type: 'chain',
        'honeyhive_metadata.run_id': id,
        'honeyhive_metadata.datapoint_id': `row-${n}`,
        'honeyhive_metrics.score': String((n * (run === 'many' ? 7 : 11)) % 100),
      }
      return {
        traceId: toHex(`${run} ${n}`, 32),
        spanId: toHex(`${run} ${n}`, 16),
        name: 'answer',
        kind: 1,
        startTimeUnixNano: '1700000000000000000',
        endTimeUnixNano: '1700000000100000000',
        attributes: Object.entries(attributes).map(([key, value]) => ({
          key,
          value: key.endsWith('score') ? { intValue: value } : { stringValue: value },
        })),
      }
    })
    await post(room.server.url, '/v1/traces', { resourceSpans: [{ scopeSpans: [{ spans }] }] }, { authorization: 'Bearer key-of-many' })
    return id
  }
  const [first, second] = [await send('many'), await send('many more')]
  const project = room.server.projects().find(({ runs }) => runs === 2)?.id
  const page = await room.open(`#/p/${project}/runs/${first}`)
  await page.getByRole('button', { name: '5,700 more rows' }).click()
  await page.getByRole('button', { name: '5,400 more rows' }).waitFor()
  expect(await page.locator('table.rows tbody tr').count()).toBe(600)
  await page.goto(`${room.server.url}/#/p/${project}/compare/${second}/${first}`)
  await page.getByText('2,000 of 6,000 datapoints are drawn.').waitFor()
  expect(await page.locator('.scatter circle').count()).toBe(2_000)
  expect(await page.locator('table.pairs tbody tr').count()).toBe(300)
  await room.expectQuiet()
})
