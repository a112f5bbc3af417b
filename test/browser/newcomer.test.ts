/** From the first command to a conversation one can read, with what the command and the page say and nothing else. */
import { type ChildProcess, execFile, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdtemp, rm, symlink, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { afterAll, beforeAll, expect, onTestFinished, test } from 'vitest'
import { type ModelServer, startModelServer } from '../integrations/model-server.js'
import { eventually, takePicture, usePageRoom } from './open-page.js'

const ROOT = join(import.meta.dirname, '../..')
const AI_SDK = join(ROOT, 'test/integrations/ai-sdk-5')
const room = usePageRoom(async () => undefined)
const run = promisify(execFile)

let models: ModelServer
beforeAll(async () => {
  models = await startModelServer()
  if (!existsSync(join(AI_SDK, 'node_modules/ai'))) await run('npm', ['ci', '--no-audit', '--no-fund', '--ignore-scripts'], { cwd: AI_SDK })
})
afterAll(() => models.close())

const PROGRAMS = {
  'AI SDK': {
    packages: join(AI_SDK, 'node_modules'),
    text: `
import { createOpenAI } from '@ai-sdk/openai'
import { generateText, stepCountIs, tool } from 'ai'
import { z } from 'zod'

const tracer = HoneyHiveTracer.init({ sessionName: 'weather chat' })
const openai = createOpenAI({ apiKey: 'none', baseURL: process.env.MODEL_URL })
await generateText({
  model: openai.chat('gpt-4o-mini'),
  system: 'Be **brief**.',
  prompt: 'What is the weather in Paris?',
  tools: { get_weather: tool({ inputSchema: z.object({ city: z.string().optional() }), execute: async () => ({ celsius: 18 }) }) },
  stopWhen: stepCountIs(3),
  experimental_telemetry: { isEnabled: true, tracer: tracer.otelTracer },
})
await tracer.shutdown()
`,
  },
  OpenInference: {
    packages: join(ROOT, 'node_modules'),
    text: `
import { OpenAIInstrumentation } from '@arizeai/openinference-instrumentation-openai'
import OpenAI from 'openai'

const instrumentation = new OpenAIInstrumentation()
instrumentation.manuallyInstrument(OpenAI)
const tracer = HoneyHiveTracer.init({ sessionName: 'weather chat', instrumentations: [instrumentation] })
const client = new OpenAI({ apiKey: 'none', baseURL: process.env.MODEL_URL })
const messages = [{ role: 'system', content: 'Be **brief**.' }, { role: 'user', content: 'What is the weather in Paris?' }]
const tools = [{ type: 'function', function: { name: 'get_weather', parameters: { type: 'object', properties: { city: { type: 'string' } } } } }]
const asked = await client.chat.completions.create({ model: 'gpt-4o-mini', messages, tools })
const [call] = asked.choices[0].message.tool_calls
const result = { role: 'tool', tool_call_id: call.id, content: '{"celsius":18}' }
await client.chat.completions.create({ model: 'gpt-4o-mini', messages: [...messages, asked.choices[0].message, result], tools })
await tracer.shutdown()
`,
  },
} as const

const startDev = async (folder: string): Promise<{ url: string; variables: Record<string, string> }> => {
  const child: ChildProcess = spawn(
    process.execPath,
    ['--import', import.meta.resolve('tsx'), join(ROOT, 'src/cli/main.ts'), 'dev', '--port', '0'],
    { cwd: folder, env: { PATH: process.env['PATH'] ?? '' }, stdio: ['ignore', 'pipe', 'inherit'] },
  )
  onTestFinished(async () => {
    child.kill('SIGTERM')
    await once(child, 'exit')
  })
  const line = String(((await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer])[0])
  const variables = Object.fromEntries([...line.matchAll(/(HH_\w+)=(\S+)/g)].map(([, name = '', value = '']) => [name, value]))
  return { url: variables['HH_API_URL'] ?? '', variables }
}

test.each(Object.keys(PROGRAMS) as (keyof typeof PROGRAMS)[])('a program with %s is a conversation in the page', async (name) => {
  const { packages, text } = PROGRAMS[name]
  const folder = await mkdtemp(join(tmpdir(), 'newcomer-'))
  onTestFinished(() => rm(folder, { recursive: true, force: true }))
  await symlink(packages, join(folder, 'node_modules'))
  await writeFile(join(folder, 'app.mjs'), `import { HoneyHiveTracer } from ${JSON.stringify(join(ROOT, 'src/index.ts'))}\n${text}`)
  const { url, variables } = await startDev(folder)

  const page = await room.open('', { url })
  await page.getByRole('heading', { name: 'Nothing has arrived yet' }).waitFor()
  // What the page tells to do is what the command said.
  for (const [variable, value] of Object.entries(variables)) await page.getByText(`export ${variable}=${value}`).waitFor()
  await run(process.execPath, ['--import', import.meta.resolve('tsx'), 'app.mjs'], {
    cwd: folder,
    env: { PATH: process.env['PATH'] ?? '', ...variables, MODEL_URL: `${models.url}/v1` },
  })

  const session = page.getByRole('link', { name: 'weather chat' })
  await session.waitFor()
  await eventually(() => page.locator('table.sessions tbody tr').first().textContent()).toContain('What is the weather in Paris?')
  await session.click()
  await page.getByRole('button', { name: 'Conversation' }).click()
  const conversation = page.getByRole('region', { name: 'Conversation' })
  await conversation.locator('.message').nth(2).waitFor()
  const said = (await conversation.textContent()) ?? ''
  expect(said).toContain('What is the weather in Paris?')
  expect(said).toContain('get_weather')
  expect(said).toContain('celsius')
  expect(said.match(/What is the weather in Paris\?/g), 'each message once').toHaveLength(1)
  expect(said).not.toContain('message_content')
  await takePicture(page, `newcomer-${name === 'AI SDK' ? 'ai-sdk' : 'openinference'}`)
  await room.expectQuiet()
})
