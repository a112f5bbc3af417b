import { describe, expect, test } from 'vitest'
import { HoneyHiveTracer, traceFn } from '../../src/index.js'
import { readFixture } from '../semantics/fixtures/read-fixture.js'
import { eventually, findBarriers, settle, takePicture, usePageRoom } from './open-page.js'
import { LIBRARIES, RECORDED, sendRecorded } from './recorded.js'
import { post } from './send.js'
import { toUuid } from './traffic.js'

const PIXEL = 'iVBORw0KGgoAAAANSUhEUgAAAAEAAAABCAYAAAAfFcSJAAAADUlEQVR42mNk+M9QDwADhgGAWjR9awAAAABJRU5ErkJggg=='
const TICKS = '```'
const ANSWER = `## What I found

You were charged **twice**:

| date | state |
|---|---|
| 3 November | *refunded* |

1. Open \`Settings\`
   - then Billing

${TICKS}ts
const invoice = await billing.get('in_2')
${TICKS}

![chart](https://example.invalid/chart.png) and [the docs](https://example.invalid/docs?a=1&b=2).`

/** Markup of every kind that must stay text or lead nowhere. */
const HOSTILE = [
  '<script>window.__hit=1</script>',
  '<img src=x onerror="window.__hit=2">',
  '<iframe srcdoc="<script>parent.__hit=3</script>"></iframe>',
  '<a href="javascript:window.__hit=4" autofocus onfocus="window.__hit=5">x</a>',
  '[script link](javascript:window.__hit=6)',
  '[upper case](JaVaScRiPt:window.__hit=7)',
  '[entities](&#106;avascript:window.__hit=8)',
  '[tab](java\tscript:window.__hit=9)',
  '[data page](data:text/html,<script>opener.__hit=10</script>)',
  '[file](file:///etc/passwd)',
  '[own page](#/p/1/drops)',
  '[own path](/api/sessions)',
  `![svg](data:image/svg+xml;base64,${btoa('<svg xmlns="http://www.w3.org/2000/svg" width="9" height="9" onload="top.__hit=11"/>')})`,
  '![remote](https://example.invalid/pixel.png)',
  '![page as image](data:text/html;base64,PHNjcmlwdD4=)',
  '![script image](javascript:window.__hit=12)',
  '[ref]: javascript:window.__hit=13',
  '[by reference][ref]',
  '<javascript:window.__hit=14>',
  '<https://example.invalid/"onmouseover="window.__hit=15>',
  '"><svg/onload=window.__hit=16>',
  `${TICKS}"><img src=x onerror=window.__hit=17>\n</pre><script>window.__hit=18</script>\n${TICKS}`,
  '| <img src=x onerror=window.__hit=19> |\n|---|\n| <script>window.__hit=20</script> |',
].join('\n\n')

const DEEP = [
  '> '.repeat(20_000),
  Array.from({ length: 400 }, (_, at) => `${'  '.repeat(at)}- a`).join('\n'),
  '['.repeat(20_000),
  '**a *b '.repeat(4_000),
  `|${'a|'.repeat(3_000)}\n|${'-|'.repeat(3_000)}`,
]

const room = usePageRoom(async ({ url }) => {
  await sendRecorded(url, Date.now())
  await sendModelCall(url, 'rich', {
    inputs: {
      temperature: 0.2,
      messages: [
        { role: 'system', content: 'Be **brief**.' },
        {
          role: 'user',
          content: [
            { type: 'text', text: 'What is this?' },
            { type: 'image_url', image_url: { url: `data:image/png;base64,${PIXEL}` } },
            { type: 'image_url', image_url: { url: 'https://example.invalid/remote.png' } },
            { type: 'input_audio', input_audio: { data: 'UklGRiQAAABXQVZFZm10IBAAAAABAAEARKwAAIhYAQACABAAZGF0YQAAAAA=', format: 'wav' } },
            { type: 'file', file: { file_data: 'data:application/pdf;base64,JVBERi0=', filename: 'invoice.pdf' } },
          ],
        },
        {
          role: 'assistant',
          content: null,
          tool_calls: [
            { id: 'call_1', type: 'function', function: { name: 'lookup_invoice', arguments: '{"customer":"cus_8841"}' } },
            { id: 'call_2', type: 'function', function: { name: 'lookup_plan', arguments: '{}' } },
          ],
        },
        { role: 'tool', tool_call_id: 'call_2', content: 'annual' },
        { role: 'tool', tool_call_id: 'call_1', content: '{"invoices":["in_1","in_2"]}' },
      ],
    },
    outputs: {
      role: 'assistant',
      content: [
        { type: 'thinking', thinking: 'Both have the same date.' },
        { type: 'text', text: ANSWER },
      ],
      finish_reason: 'length',
    },
  })
  await sendModelCall(url, 'hostile', {
    inputs: { messages: [{ role: 'user', content: HOSTILE, name: '<img src=x onerror=window.__hit=21>' }] },
    outputs: { role: 'assistant', content: HOSTILE },
  })
  for (const [at, content] of DEEP.entries())
    await sendModelCall(url, `deep-${at}`, { inputs: {}, outputs: { role: 'assistant', content } })
})

async function sendModelCall(
  url: string,
  key: string,
  { inputs, outputs }: { readonly inputs: object; readonly outputs: object },
): Promise<void> {
  const event = {
    project: RECORDED,
    session_id: toUuid('calls'),
    event_id: toUuid(key),
    event_type: 'model',
    event_name: key,
    source: 'test',
  }
  await post(url, '/events', { event: { ...event, inputs, outputs, duration: 1200 } })
}

const hashOf = (key: string): string => `#/p/${room.projectId(RECORDED)}/sessions/${toUuid('calls')}?e=${toUuid(key)}`

describe('messages', () => {
  test('are read as their authors meant them: Markdown, code to copy, media, calls with their results', async () => {
    const page = await room.open(hashOf('rich'))
    await page.context().grantPermissions(['clipboard-read', 'clipboard-write'])
    const pane = page.locator('.event-pane')
    await pane.locator('.message').nth(3).waitFor()
    expect(await pane.locator('.message .role').allTextContents()).toEqual(['system', 'user', 'assistant', 'assistant'])
    expect(await pane.locator('.markdown strong').allTextContents()).toEqual(['brief', 'twice'])
    expect(await pane.locator('.markdown td').allTextContents()).toEqual(['3 November', 'refunded'])
    expect(await pane.locator('.markdown ol li ul li').textContent()).toBe('then Billing')
    await pane.getByRole('button', { name: 'Copy the code' }).click()
    await pane.getByRole('button', { name: 'Copied' }).waitFor()
    expect(await page.evaluate(() => navigator.clipboard.readText())).toBe("const invoice = await billing.get('in_2')\n")
    const cards = pane.locator('.tool-card')
    expect(await cards.count()).toBe(2)
    expect(await cards.nth(0).textContent()).toMatch(/lookup_invoice.*cus_8841.*gave back.*in_1.*in_2/)
    expect(await cards.nth(1).textContent()).toMatch(/lookup_plan.*No arguments.*gave back.*annual/)
    await pane.getByText('cut at the token limit').waitFor()
    await takePicture(page, 'messages-dark')
    await room.expectQuiet()
  })

  test.each([
    ['dark', 1440],
    ['light', 390],
  ] as const)('have no finding of axe-core and fit their window, %s, %i pixels wide', async (theme, width) => {
    const page = await room.open(hashOf('rich'), { theme, width })
    for (const hash of [hashOf('rich'), hashOf('hostile'), hashOf('rich').replace(/\?.*/, '?view=conversation')]) {
      await page.goto(`${room.server.url}/${hash}`)
      await page.locator('.message').nth(1).waitFor()
      await settle(page)
      expect(await findBarriers(page)).toEqual([])
      expect(await page.evaluate(() => document.documentElement.scrollWidth)).toBeLessThanOrEqual(width)
      await takePicture(
        page,
        `messages-${hash === hashOf('rich') ? 'rich' : hash === hashOf('hostile') ? 'hostile' : 'talk'}-${theme}-${width}`,
      )
    }
    await room.expectQuiet()
  })

  test('fold reasoning until it is asked for', async () => {
    const page = await room.open(hashOf('rich'))
    const thought = page.getByText('Both have the same date.')
    await page.getByText('5 words').waitFor()
    expect(await thought.isVisible()).toBe(false)
    await page.getByText('Reasoning').click()
    await thought.waitFor()
    await room.expectQuiet()
  })

  test('show media that came along, and only name what lies elsewhere', async () => {
    const page = await room.open(hashOf('rich'))
    const pane = page.locator('.event-pane')
    await pane.locator('img.medium').waitFor()
    await eventually(() => pane.locator('img.medium').evaluate((image) => (image as HTMLImageElement).naturalWidth)).toBe(1)
    expect(await pane.locator('img').count()).toBe(1)
    expect(await pane.locator('audio').getAttribute('src')).toMatch(/^data:audio\/wav;base64,UklG/)
    const remote = pane.getByRole('link', { name: 'image at example.invalid', exact: true })
    expect(await remote.getAttribute('href')).toBe('https://example.invalid/remote.png')
    expect(await remote.getAttribute('rel')).toBe('noopener noreferrer nofollow')
    const saved = page.waitForEvent('download')
    await pane.getByRole('button', { name: /Save invoice.pdf/ }).click()
    expect((await saved).suggestedFilename()).toBe('invoice.pdf')
    await room.expectQuiet()
  })

  test('of strangers run nothing, load nothing and lead nowhere they should not', async () => {
    const page = await room.open(hashOf('hostile'))
    const pane = page.locator('.event-pane')
    await pane.locator('.message').nth(1).waitFor()
    await pane.getByText('window.__hit=1</script>').first().waitFor()
    // The judgement is the page's own, and has a form.
    const elements = await pane.evaluate((box) => [...box.querySelectorAll(':not(.annotate *)')].map((one) => one.localName))
    expect(
      elements.filter((name) => ['script', 'iframe', 'object', 'embed', 'form', 'style', 'link', 'base', 'meta'].includes(name)),
    ).toEqual([])
    const handlers = await pane.evaluate((box) =>
      [...box.querySelectorAll('*')].flatMap((one) => one.getAttributeNames().filter((name) => name.startsWith('on') || name === 'srcdoc')),
    )
    expect(handlers).toEqual([])
    const links = await pane.locator('.message a').evaluateAll((all) => all.map((one) => (one as HTMLAnchorElement).href))
    expect(links.length).toBeGreaterThan(0)
    expect(links.filter((href) => !/^https:\/\/example\.invalid\/|^http:\/\/www\.w3\.org\//.test(href))).toEqual([])
    const images = await pane.locator('img').evaluateAll((all) => all.map((one) => (one as HTMLImageElement).src.slice(0, 18)))
    expect([...new Set(images)]).toEqual(['data:image/svg+xml'])
    for (const name of ['script link', 'own page', 'own path', 'file']) await pane.getByText(name, { exact: true }).first().click()
    expect(page.url()).toContain(toUuid('hostile'))
    expect(page.context().pages().length).toBe(1)
    expect(await page.evaluate(() => (globalThis as { __hit?: number }).__hit)).toBeUndefined()
    await takePicture(page, 'messages-hostile-dark')
    await room.expectQuiet()
  })

  test.each(DEEP.map((_, at) => at))('that are nested without end are shown all the same, %i', async (at) => {
    const page = await room.open(hashOf(`deep-${at}`))
    await page.locator('.event-pane .message .markdown').waitFor()
    await page.getByRole('button', { name: /^all [\d,]+ characters$/ }).click()
    await page.getByRole('button', { name: 'less', exact: true }).waitFor()
    await room.expectQuiet()
  })
})

describe('what real libraries wrote', () => {
  test.each(LIBRARIES.filter((name) => name !== 'opentelemetry-openai'))('%s reads as a conversation', async (library) => {
    const page = await room.open(`#/p/${room.projectId(RECORDED)}/sessions/${toUuid(library)}`)
    const pane = page.locator('.event-pane')
    const answers = readFixture(library).length
    await page.locator('.tree-row').nth(2).waitFor()
    let isAsked = false
    let isCalled = false
    let isAnswered = false
    const rows = page.locator('.tree-row')
    for (let at = 0; at < Math.min(answers + 1, await rows.count()); at++) {
      await rows.nth(at).click()
      const id = (await rows.nth(at).getAttribute('data-event')) ?? ''
      if (id !== toUuid(library)) await pane.locator('.identity').getByText(id).waitFor()
      const text = (await pane.locator('.chat').allTextContents()).join(' ')
      isAsked ||= /user.*(What is this\?|Weather in Rome\?)/.test(text)
      isCalled ||= /weather.*city.*Rome/.test(text)
      isAnswered ||= text.includes('It is sunny.')
    }
    expect({ isAsked, isCalled, isAnswered }).toEqual({ isAsked: true, isCalled: true, isAnswered: true })
    await room.expectQuiet()
  })
})

describe('a conversation', () => {
  test.each(['ai-sdk-7', 'openinference-openai', 'openinference-langchain'] as const)(
    'of %s says everything once, in its order',
    async (library) => {
      const page = await room.open(`#/p/${room.projectId(RECORDED)}/sessions/${toUuid(library)}`)
      await page.getByRole('button', { name: 'Conversation' }).click()
      const talk = page.locator('.conversation')
      await talk.locator('.message').nth(1).waitFor()
      const text = ((await talk.locator('.message').allTextContents()).join(' ') ?? '').replace(/\s+/g, ' ')
      expect(text).toMatch(
        /(What is this\?|Weather in Rome\?).*weather.*city:?\s*Rome.*gave back.*(18C Rome|degrees:?\s*18).*It is sunny\./,
      )
      await takePicture(page, `conversation-${library}-dark`)
      await talk.locator('.said-in').first().click()
      await page.locator('.tree-row.is-selected').waitFor()
      await page.locator('.event-pane .chat').first().waitFor()
      await page.keyboard.press('v')
      await talk.waitFor()
      await page.reload()
      await talk.waitFor()
      await room.expectQuiet()
    },
  )
})

describe('errors', () => {
  test('show what caused them and the frames of the application, the others when asked for', async () => {
    const tracer = HoneyHiveTracer.init({ apiKey: 'local', project: RECORDED, serverUrl: room.server.url, source: 'test' })
    const lookUp = traceFn(
      tracer,
      function lookUpInvoice() {
        try {
          JSON.parse('{')
        } catch (cause) {
          throw new RangeError('upstream answered\nwith half a reply', { cause })
        }
      },
      { eventName: 'lookUpInvoice' },
    )
    expect(() => lookUp()).toThrow(RangeError)
    await tracer.shutdown()
    const event = room.server.events().find(({ name }) => name === 'lookUpInvoice')
    const page = await room.open(`#/events/${event?.id}`)
    const steps = page.locator('.error-box .error-step')
    await steps.nth(1).waitFor()
    expect(await steps.nth(0).locator('.error-message').textContent()).toBe('RangeError  upstream answered\nwith half a reply')
    expect(await steps.nth(1).textContent()).toMatch(/caused by.*SyntaxError/)
    const frames = (await steps.nth(1).locator('.stack li').allTextContents()).join('\n')
    expect(frames).toContain('lookUpInvoice')
    expect(frames).not.toContain('JSON.parse')
    await steps
      .nth(1)
      .getByRole('button', { name: /more frames? of libraries/ })
      .click()
    await steps.nth(1).getByText('JSON.parse').waitFor()
    await takePicture(page, 'error-dark')
    await room.expectQuiet()
  })
})
