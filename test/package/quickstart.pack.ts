// What docs/quickstart.md says, done with the packed tarball in an empty folder.
import { type ChildProcess, spawn } from 'node:child_process'
import { once } from 'node:events'
import { readFile, writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { createInterface } from 'node:readline'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Installed, installPackage, repository } from './installed.js'

let installed: Installed
let server: ChildProcess | undefined

beforeAll(async () => {
  installed = await installPackage()
})
afterAll(async () => {
  if (server !== undefined && server.exitCode === null) {
    const ended = once(server, 'exit')
    server.kill('SIGTERM')
    await ended
  }
  await installed.remove()
})

describe('the quickstart', () => {
  test('shows the trace of its program in the page of its server', async () => {
    const cli = join(installed.folder, 'node_modules/.bin/honeyhive-tracer')
    server = start(cli, ['dev', '--port', '0'], {})
    const line = await firstLine(server)
    const url = /HoneyHive is at (\S+)/.exec(line)?.[1] ?? ''
    const key = /HH_API_KEY=(\S+)/.exec(line)?.[1] ?? ''
    expect(line).toContain(`HH_API_URL=${url}`)

    const page = await fetch(url)
    expect(page.status).toBe(200)
    expect(await page.text()).toContain('<!doctype html>')
    const script = await (await fetch(`${url}/app.js`)).text()
    const later = [...new Set(script.match(/assets\/[\w-]+\.js/g))]
    expect(later.length).toBeGreaterThan(1)
    for (const name of later) {
      const reply = await fetch(`${url}/${name}`)
      expect([name, reply.status, reply.headers.get('content-type')]).toEqual([name, 200, 'text/javascript; charset=utf-8'])
    }

    const text = await readFile(join(repository, 'docs/quickstart.md'), 'utf8')
    const program = /```js\n([\s\S]+?)```/.exec(text)?.[1] ?? ''
    await writeFile(join(installed.folder, 'app.mjs'), program)
    expect(await finish(start(process.execPath, ['app.mjs'], { HH_API_URL: url, HH_API_KEY: key }))).toEqual({
      code: 0,
      stdout: 'Found: a document about otters\n',
    })

    const traces = await finish(start(cli, ['traces', '--url', url], {}))
    expect(traces.code).toBe(0)
    expect(traces.stdout).toMatch(/quickstart[\s\S]*answer[\s\S]*retrieve/)
  })
})

function start(command: string, args: readonly string[], variables: Readonly<Record<string, string>>): ChildProcess {
  const clean = Object.fromEntries(Object.entries(process.env).filter(([name]) => !/^(HH|OTEL|npm|NODE|VITEST|TEST)/.test(name)))
  // On Windows the commands of packages are scripts, which only a shell starts.
  const shell = process.platform === 'win32' && command !== process.execPath
  return spawn(command, args, { shell, cwd: installed.folder, env: { ...clean, ...variables }, stdio: ['ignore', 'pipe', 'inherit'] })
}

async function firstLine({ stdout }: ChildProcess): Promise<string> {
  if (stdout === null) throw new Error('there is no output')
  const lines = createInterface({ input: stdout })
  const [line] = (await once(lines, 'line')) as [string]
  return line
}

async function finish(child: ChildProcess): Promise<{ code: number | null; stdout: string }> {
  let stdout = ''
  child.stdout?.on('data', (chunk) => {
    stdout += String(chunk)
  })
  const [code] = (await once(child, 'close')) as [number | null]
  return { code, stdout }
}
