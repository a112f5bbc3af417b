import { type ChildProcess, execFileSync, spawn } from 'node:child_process'
import { once } from 'node:events'
import { existsSync } from 'node:fs'
import { mkdir, mkdtemp, readFile, rm, writeFile } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { build } from 'esbuild'
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { INSTRUMENTORS, writeLine } from '../../src/cli/instrumentors.js'
import { HoneyHiveTracer, traceFn } from '../../src/index.js'
import { COVERAGE_ENV, OUTSIDE_COVERAGE } from '../fixtures/coverage.js'
import { startReceiver } from '../fixtures/receiver.js'

const ONE_SPAN = JSON.stringify({
  resourceSpans: [
    {
      scopeSpans: [
        { spans: [{ traceId: '1'.repeat(32), spanId: '2'.repeat(16), name: 'x', startTimeUnixNano: '1', endTimeUnixNano: '2' }] },
      ],
    },
  ],
})
const ROOT = fileURLToPath(new URL('../..', import.meta.url))

/** The sources, compiled once for all processes, where they find the packages of this repository. */
let compiled: string
let folder: string
beforeAll(async () => {
  folder = await mkdtemp(join(tmpdir(), 'cli-'))
  const parent = OUTSIDE_COVERAGE ?? join(ROOT, 'node_modules/.cache')
  await mkdir(parent, { recursive: true })
  compiled = await mkdtemp(join(parent, 'cli-'))
  await build({
    entryPoints: {
      main: join(ROOT, 'src/cli/main.ts'),
      index: join(ROOT, 'src/index.ts'),
      experiments: join(ROOT, 'src/experiments/index.ts'),
    },
    outdir: compiled,
    outExtension: { '.js': '.mjs' },
    bundle: true,
    splitting: true,
    packages: 'external',
    platform: 'node',
    target: 'node20',
    format: 'esm',
    sourcemap: OUTSIDE_COVERAGE === undefined ? false : 'inline',
  })
})
afterAll(() => {
  const leftOver = OUTSIDE_COVERAGE === undefined ? [folder, compiled] : [folder]
  return Promise.all(leftOver.map((path) => rm(path, { recursive: true, force: true })))
})

const running: ChildProcess[] = []
afterEach(() => {
  for (const child of running.splice(0)) child.kill('SIGKILL')
})

interface Output {
  readonly code: number | null
  readonly out: string
  readonly err: string
}

function start(args: readonly string[], env: Record<string, string> = {}, cwd = ROOT): { child: ChildProcess; done: Promise<Output> } {
  const child = spawn(process.execPath, [join(compiled, 'main.mjs'), ...args], {
    cwd,
    env: { PATH: process.env['PATH'] ?? '', ...COVERAGE_ENV, ...env },
  })
  running.push(child)
  let out = ''
  let err = ''
  child.stdout?.on('data', (chunk: Buffer) => {
    out += chunk.toString()
  })
  child.stderr?.on('data', (chunk: Buffer) => {
    err += chunk.toString()
  })
  return { child, done: once(child, 'close').then(([code]) => ({ code: code as number | null, out, err })) }
}

const run = (args: readonly string[], env?: Record<string, string>, cwd?: string): Promise<Output> => start(args, env, cwd).done

describe('honeyhive-tracer', () => {
  test('shows help and the version, and exits with 2 for wrong use', async () => {
    const [help, wrong, bad] = await Promise.all([run(['--help']), run(['nonsense']), run(['dev', '--port', 'x'])])
    expect(help).toMatchObject({ code: 0, err: '' })
    for (const command of ['dev', 'doctor', 'config', 'traces', 'export', 'import', 'eval', 'completion'])
      expect(help.out).toContain(command)
    expect(wrong.code).toBe(2)
    expect(bad).toMatchObject({ code: 2 })
    expect(bad.err).toContain('Give a number from 0 to 65535.')
  })

  test('dev prints one line with the address and the two variables, takes traces, and ends on SIGINT', async () => {
    const database = join(folder, 'dev.db')
    const { child, done } = start(['dev', '--port', '0', '--db', database, '--project', 'shop=key-of-shop'])
    const [first] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer]
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(first.toString())?.[0] ?? ''
    expect(first.toString()).toBe(`HoneyHive is at ${url}  —  set HH_API_URL=${url} HH_API_KEY=key-of-shop\n`)

    const tracer = HoneyHiveTracer.init({ apiKey: 'key-of-shop', serverUrl: url, sessionName: 'order 7' })
    traceFn(tracer, (input: object) => traceFn(tracer, () => 2, { eventName: 'inner' })() && input, {
      eventName: 'outer',
      eventType: 'chain',
    })({ q: 'x' })
    expect(await tracer.shutdown()).toBe(true)
    const listed = await run(['traces', '--url', url])
    expect(listed.out).toMatch(
      /^shop\n {2}order 7 .*2 events.*\n {4}└─ outer chain .*\n {7}│ in {2}\{"q":"x"\}\n {7}│ out \{.*\}\n {7}└─ inner tool .*\n {12}out \{.*2.*\}\n$/,
    )
    expect(listed.out).not.toContain('\u001b')
    child.kill('SIGINT')
    expect(await done).toMatchObject({ code: 0 })

    const exported = await run(['export', '--db', database])
    expect(exported.out.trim().split('\n')).toHaveLength(1)
    const file = join(folder, 'traces.jsonl')
    await writeFile(file, exported.out)
    const copy = join(folder, 'copy.db')
    const second = start(['dev', '--port', '0', '--db', copy])
    const [line] = (await once(second.child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer]
    const copyUrl = /http:\/\/127\.0\.0\.1:\d+/.exec(line.toString())?.[0] ?? ''
    const imported = await run(['import', file, '--url', copyUrl, '--key', 'other'])
    expect(imported).toMatchObject({ code: 0, out: `sent 1 request to ${copyUrl}\n` })
    expect((await run(['traces', '--url', copyUrl])).out).toBe(listed.out)
    expect((await run(['export', '--url', copyUrl])).out).toBe(exported.out)
  })

  test.runIf(existsSync('/bin/bash'))('completion completes commands and their options in bash, and knows zsh and fish', async () => {
    const script = join(folder, 'completion.bash')
    const [bash, zsh, fish, wrong] = await Promise.all(['bash', 'zsh', 'fish', 'csh'].map((shell) => run(['completion', shell])))
    await writeFile(script, bash?.out ?? '')
    const complete = (line: readonly string[]): string[] => {
      const words = line.map((word) => `'${word}'`).join(' ')
      const commands = `source '${script}'; COMP_WORDS=(honeyhive-tracer ${words}); COMP_CWORD=${line.length}; _honeyhive_tracer; echo "\${COMPREPLY[@]}"`
      return execFileSync('/bin/bash', ['-c', commands], { encoding: 'utf8' }).trim().split(' ')
    }
    expect([complete(['tra']), complete(['config', '']), complete(['traces', '--fo']), complete(['traces', '--url', 'x', '--js'])]).toEqual(
      [['traces'], ['check', '--help'], ['--follow'], ['--json']],
    )
    expect([zsh?.out.includes('bashcompinit'), fish?.out.includes('-a doctor'), wrong?.code]).toEqual([true, true, 2])
  })

  test('traces and import say what to do when no server answers', async () => {
    const file = join(folder, 'one.jsonl')
    await writeFile(file, '{"resourceSpans":[]}\n')
    const [traces, imported] = await Promise.all([
      run(['traces', '--url', 'http://127.0.0.1:9']),
      run(['import', file, '--url', 'http://127.0.0.1:9']),
    ])
    expect(traces).toMatchObject({
      code: 1,
      err: 'No local server at http://127.0.0.1:9. Start one with "npx honeyhive-tracer dev", or give --db.\n',
    })
    expect(imported.code).toBe(1)
    expect(imported.err).toContain('does not answer')
  })

  test('traces prints JSON lines, follows, and shows no control character of a stranger', async () => {
    const { child } = start(['dev', '--port', '0', '--db', ':memory:', '--project', 'a\u001b[2J=key-of-a', '--project', 'b=key-of-b'])
    const [line] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer]
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(line.toString())?.[0] ?? ''
    expect(line.toString()).toContain('HH_API_KEY=key-of-a')
    const following = start(['traces', '--url', url, '--follow'])
    const tracer = HoneyHiveTracer.init({ apiKey: 'key-of-a', serverUrl: url, sessionName: 'session\u001b]0;owned\u0007' })
    const fail = traceFn(
      tracer,
      () => {
        throw new Error('broken\u001b[31m\nFAKE LINE')
      },
      { eventName: 'step\u202e\nFAKE LINE' },
    )
    expect(fail).toThrow('broken')
    await tracer.shutdown()
    let followed = ''
    for await (const chunk of following.child.stdout as AsyncIterable<Buffer>) {
      followed += chunk.toString()
      if (followed.includes('FAKE LINE')) break
    }
    const [listed, json, absent] = await Promise.all([
      run(['traces', '--url', url]),
      run(['traces', '--url', url, '--json']),
      run(['traces', '--url', url, '--project', 'nobody']),
    ])
    for (const out of [followed, listed.out]) {
      expect(out).toContain('step FAKE LINE')
      expect(out).not.toMatch(/[\u0000-\u0009\u000b-\u001f\u007f-\u009f\u202e]|^\s*FAKE LINE/m)
    }
    const lines = json.out.trim().split('\n')
    expect(lines).toHaveLength(1)
    expect(JSON.parse(lines[0] ?? '')).toMatchObject({
      events: [{ name: 'step\u202e\nFAKE LINE', error: expect.stringContaining('broken') as string }],
    })
    expect(absent).toMatchObject({ code: 1, err: 'There is no project "nobody".\n' })
  }, 60_000)

  test('traces --follow passes over none of a burst', async () => {
    const { child } = start(['dev', '--port', '0', '--db', ':memory:'])
    const [line] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer]
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(line.toString())?.[0] ?? ''
    const tracer = HoneyHiveTracer.init({ apiKey: 'key-of-a', serverUrl: url, sessionName: 'first' })
    traceFn(tracer, () => 1, { eventName: 'before' })()
    await tracer.forceFlush()
    const following = start(['traces', '--url', url, '--follow', '--limit', '1'])
    const out = following.child.stdout as NodeJS.ReadableStream
    let followed = String(((await once(out, 'data')) as [Buffer])[0])
    out.on('data', (chunk: Buffer) => {
      followed += chunk.toString()
    })
    await expect.poll(() => followed).toContain('before')
    for (let i = 0; i < 250; i++)
      await tracer.withSession({ sessionName: `burst ${i}.` }, () => traceFn(tracer, () => i, { eventName: `e${i}` })())
    await tracer.shutdown()
    await expect.poll(() => new Set(followed.match(/burst \d+\./g)).size, { timeout: 50_000 }).toBe(250)
    expect(followed.match(/burst 7\./g)).toHaveLength(1)
  }, 90_000)

  test('export writes every form, and import says what a server did not take', async () => {
    const { child } = start(['dev', '--port', '0', '--db', ':memory:', '--project', 'a=key-of-a'])
    const [line] = (await once(child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer]
    const url = /http:\/\/127\.0\.0\.1:\d+/.exec(line.toString())?.[0] ?? ''
    const tracer = HoneyHiveTracer.init({ apiKey: 'key-of-a', serverUrl: url, sessionName: 'first' })
    const { sessionId } = tracer
    for (let i = 0; i < 3; i++) traceFn(tracer, () => 'x'.repeat(3_000_000), { eventName: `large ${i}` })()
    expect(await tracer.shutdown(60_000)).toBe(true)
    const [otlp, json, jsonl, csv, wrong, absent] = await Promise.all(
      [
        [],
        ['--format', 'json'],
        ['--format', 'jsonl', '--session', sessionId ?? ''],
        ['--format', 'csv'],
        ['--format', 'xml'],
        ['--session', 'none'],
      ].map((args) => run(['export', '--url', url, ...args])),
    )
    expect(otlp?.out.trim().split('\n').length, 'no line is larger than a request may be').toBeGreaterThan(2)
    expect((JSON.parse(json?.out ?? '') as { event_name: string }[]).map((event) => event.event_name)).toContain('large 2')
    expect(jsonl?.out.trim().split('\n').length).toBe(4)
    expect(csv?.out.startsWith('event_id,session_id,')).toBe(true)
    expect([wrong?.code, absent?.code, absent?.err]).toEqual([2, 1, 'There is no session "none".\n'])
    const file = join(folder, 'large.jsonl')
    await writeFile(file, otlp?.out ?? '')
    const second = start(['dev', '--port', '0', '--db', ':memory:'])
    const [address] = (await once(second.child.stdout as NodeJS.ReadableStream, 'data')) as [Buffer]
    const copyUrl = /http:\/\/127\.0\.0\.1:\d+/.exec(address.toString())?.[0] ?? ''
    expect((await run(['import', file, '--url', copyUrl])).code).toBe(0)
    expect((await run(['export', '--url', copyUrl])).out).toBe(otlp?.out)
    const bad = join(folder, 'bad.jsonl')
    const span = { traceId: 'no id', spanId: 'none', name: 'x', startTimeUnixNano: '1', endTimeUnixNano: '2' }
    await writeFile(bad, `${JSON.stringify({ resourceSpans: [{ scopeSpans: [{ spans: [span] }] }] })}\n`)
    const refused = await run(['import', bad, '--url', copyUrl])
    expect(refused.code).toBe(1)
    expect(refused.err).toMatch(/bad\.jsonl:1: 1 spans were refused: \S/)
  }, 90_000)

  test('import waits for a server that is busy', async () => {
    const replies = [503, 503, 200, 200]
    const receiver = await startReceiver((_request, response) => {
      response.writeHead(replies.shift() ?? 500, { 'retry-after': '0' }).end('{}')
      return true
    })
    const file = join(folder, 'two.jsonl')
    await writeFile(file, `${ONE_SPAN}\n{"resourceSpans":[],"schemaUrl":"\u2028"}\n`)
    const imported = await run(['import', file, '--url', receiver.url])
    const latin1 = join(folder, 'latin1.jsonl')
    await writeFile(latin1, Buffer.from('{"schemaUrl":"é"}\n', 'latin1'))
    const unread = await run(['import', latin1, '--url', receiver.url])
    await receiver.close()
    expect(imported).toMatchObject({ code: 0, out: `sent 2 requests to ${receiver.url}\n` })
    expect(unread).toMatchObject({ code: 1, out: '' })
    expect(unread.err).toContain(`${latin1}, line 1 is not UTF-8: byte 0xe9 at offset 14.`)
  }, 60_000)

  test('import reads a file with a byte order mark, as PowerShell writes it', async () => {
    const lengths: string[] = []
    const receiver = await startReceiver((request, response) => {
      lengths.push(String(request.headers['content-length']))
      response.end('{}')
      return true
    })
    const file = join(folder, 'marked.jsonl')
    await writeFile(file, `\ufeff${ONE_SPAN}\r\n`)
    expect(await run(['import', file, '--url', receiver.url])).toMatchObject({ code: 0, err: '' })
    await receiver.close()
    expect(lengths).toEqual([String(ONE_SPAN.length)])
  })

  test('import says so when there was nothing to import, and which form it reads', async () => {
    const receiver = await startReceiver((_request, response) => {
      response.end('{}')
      return true
    })
    const files = {
      'empty.jsonl': '',
      'blank.jsonl': '\n\n',
      'none.jsonl': '{"resourceSpans":[]}\n',
      'events.jsonl': '{"event_id":"1"}\n{}\n',
    }
    const outputs = await Promise.all(
      Object.entries(files).map(async ([name, text]) => {
        await writeFile(join(folder, name), text)
        return run(['import', join(folder, name), '--url', receiver.url])
      }),
    )
    await receiver.close()
    expect(outputs.map(({ code, out }) => [code, out])).toEqual(outputs.map(() => [1, '']))
    for (const { err } of outputs) expect(err).toMatch(/^".+jsonl" .+ nothing was imported\. Give lines of OTLP JSON, .+\n$/)
    expect(outputs.map(({ err }) => /jsonl" (.+);/.exec(err)?.[1])).toEqual([
      'is empty',
      'is empty',
      'has 1 line and no span in it',
      'has 2 lines and no span in them',
    ])
  }, 60_000)

  test('a file that is missing, a folder and broken JSON are each told in one sentence, with one exit code', async () => {
    const broken = join(folder, 'broken.json')
    await writeFile(broken, '{ not json')
    const outputs = await Promise.all([
      run(['import', join(folder, 'absent.jsonl')]),
      run(['import', folder]),
      run(['dev', '--projects-file', join(folder, 'absent.json')]),
      run(['dev', '--projects-file', broken]),
      run(['traces', '--db', join(folder, 'absent.db')]),
      run(['dev', '--port', '0', '--db', broken]),
    ])
    for (const { code, out, err } of outputs) {
      expect([code, out]).toEqual([1, ''])
      expect(err.trim().split('\n')).toHaveLength(1)
      expect(err).not.toMatch(/ENOENT|EISDIR|SyntaxError|\n {4}at /)
    }
  })

  test('traces and export refuse a database that is not there instead of making an empty one', async () => {
    const absent = join(folder, 'absent.db')
    for (const { code, err } of await Promise.all([run(['traces', '--db', absent]), run(['export', '--db', absent])])) {
      expect(code).toBe(1)
      expect(err).toBe(`There is no database "${absent}".\n`)
    }
    expect(existsSync(absent)).toBe(false)
  })

  test('config check reports mistakes with file, line and column, and lists tracers', async () => {
    const good = join(folder, 'good.yaml')
    const bad = join(folder, 'bad.yaml')
    await writeFile(good, 'tracers:\n  production:\n    project: shop\n    api_key: ${KEY:-abc}\n')
    await writeFile(bad, 'tracers:\n  production:\n    projct: shop\n    batch:\n      maxQueueSize: -1\n')
    const [fine, wrong] = await Promise.all([run(['config', 'check', good]), run(['config', 'check', bad])])
    expect(fine).toMatchObject({ code: 0 })
    expect(fine.out).toContain('1 tracer\n  production')
    expect(wrong.code).toBe(1)
    expect(wrong.err).toContain('bad.yaml:3:5')
    expect(wrong.err).toContain('bad.yaml:5:')
  })

  describe('eval', () => {
    const write = async (name: string, text: string): Promise<string> => {
      // Below the repository, where TypeScript files find its loader.
      const cwd = await mkdtemp(join(compiled, 'app-'))
      await mkdir(join(cwd, 'evals'))
      await writeFile(
        join(cwd, 'evals', name),
        `import { defineExperiment, exactMatch } from ${JSON.stringify(join(compiled, 'experiments.mjs'))}\n${text}`,
      )
      return cwd
    }

    test('runs a TypeScript file, writes the reports, and its exit code is that of the thresholds', async () => {
      const cwd = await write(
        'capitals.eval.ts',
        `const common = { dataset: [{ inputs: { country: 'France' }, groundTruth: 'Paris' }, { inputs: { country: 'Italy' }, groundTruth: 'Rome' }], function: async () => 'Paris' as string, evaluators: { match: exactMatch() } }
export const half = defineExperiment({ ...common, name: 'half', thresholds: { match: 0.5 } })
export const strict = defineExperiment({ ...common, name: 'strict', thresholds: { match: 0.9 } })
`,
      )
      const [good, bad] = await Promise.all(
        ['half', 'strict'].map((name) =>
          run(['eval', 'evals/**/*.eval.ts', '--filter', name, '--reporter', 'table', '--reporter', `junit=${name}.xml`], {}, cwd),
        ),
      )
      expect(good).toMatchObject({ code: 0 })
      expect(good?.out).toContain('passed: 1 of 1 experiments')
      expect(bad).toMatchObject({ code: 1 })
      expect(bad?.out).toContain('not passed: 0 of 1 experiments')
      expect(await readFile(join(cwd, 'strict.xml'), 'utf8')).toContain('<failure')
      const json = await run(['eval', '--filter', 'half', '--reporter', 'json'], {}, cwd)
      expect(JSON.parse(json.out)).toMatchObject({ name: 'half', passed: true })
      expect(json.err).toContain('passed: 1 of 1 experiments')
    })

    test('a reader that closes the pipe takes nothing from the verdict', async () => {
      const cwd = await write(
        'capitals.eval.mjs',
        `const common = { dataset: [{ inputs: { country: 'Italy' }, groundTruth: 'Rome' }], function: async () => 'Paris', evaluators: { match: exactMatch() } }
export const half = defineExperiment({ ...common, name: 'half', thresholds: { match: 0 } })
export const strict = defineExperiment({ ...common, name: 'strict', thresholds: { match: 0.9 } })
`,
      )
      const codes = ['half', 'strict'].map(async (name) => {
        const { child, done } = start(['eval', '--filter', name], {}, cwd)
        child.stdout?.destroy()
        child.stderr?.destroy()
        return (await done).code
      })
      expect(await Promise.all(codes)).toEqual([0, 1])
    })

    test('Ctrl-C stops the rows, prints the report and ends, though work is left running', async () => {
      const cwd = await write(
        'slow.eval.mjs',
        `export const slow = defineExperiment({
  name: 'slow', maxConcurrency: 2, dataset: Array.from({ length: 50 }, (_, i) => ({ inputs: { i } })),
  function: async ({ inputs }) => {
    if (inputs.i < 5) return inputs.i
    if (inputs.i === 5) process.stdout.write('ready\\n')
    await new Promise(() => setInterval(() => undefined, 1000))
  },
})
`,
      )
      const { child, done } = start(['eval'], {}, cwd)
      await once(child.stdout as NodeJS.ReadableStream, 'data')
      child.kill('SIGINT')
      const result = await done
      expect(result.code).toBe(1)
      expect(result.err).toContain('Press Ctrl-C again')
      expect(result.out).toContain('Rows    7: 5 succeeded, 0 failed, 2 cancelled')
    })
  })

  test('eval exits with 1 when nothing matches', async () => {
    const result = await run(['eval', 'nothing/*.eval.mjs'], {}, folder)
    expect(result.code).toBe(1)
    expect(result.err).toContain('No file matches')
  })
})

describe('doctor', () => {
  test('tells the same as JSON', async () => {
    const [text, json] = await Promise.all([run(['doctor'], {}, folder), run(['doctor', '--json'], {}, folder)])
    const { findings, problems } = JSON.parse(json.out) as { findings: { level: string; message: string }[]; problems: number }
    expect([json.code, json.err, problems]).toEqual([1, '', findings.filter(({ level }) => level === 'problem').length])
    for (const { message } of findings) expect(text.out).toContain(message)
  })

  test('finds a missing key', async () => {
    const result = await run(['doctor'])
    expect(result.code).toBe(1)
    expect(result.out).toContain('problem no API key: HH_API_KEY is not set')
  })

  test('tells a server that accepts, rejects, is another or is absent, and never prints the key', async () => {
    const key = 'sentinel-secret-key-0123456789'
    const servers = await Promise.all([
      startReceiver(),
      startReceiver((_, response) => Boolean(response.writeHead(401).end('{}'))),
      startReceiver((_, response) => Boolean(response.writeHead(200, { 'content-type': 'text/html' }).end('<html>'))),
    ])
    const [good, rejected, page] = servers.map(({ url }) => url)
    const urls = [good, rejected, page, 'http://127.0.0.1:9'] as string[]
    const results = await Promise.all(urls.map((url) => run(['doctor'], { HH_API_KEY: key, HH_API_URL: url })))
    const texts = results.map(({ out, err }) => out + err)
    expect(texts[0]).toContain(`ok      ${good} accepts the key`)
    expect(texts[1]).toContain('rejects the API key (401)')
    expect(texts[2]).toContain('is not a HoneyHive server (answers with a web page)')
    expect(texts[3]).toContain('does not answer')
    expect(results.slice(1).map(({ code }) => code)).toEqual([1, 1, 1])
    for (const text of texts) expect(text).not.toContain(key)
    await Promise.all(servers.map((server) => server.close()))
  })

  test('finds two versions of the OpenTelemetry API and instrumentations that overlap', async () => {
    const app = await mkdtemp(join(folder, 'app-'))
    await addPackage(app, '@opentelemetry/api', '1.9.0')
    await addPackage(join(app, 'node_modules/other'), '@opentelemetry/api', '1.4.1')
    await addPackage(app, 'other', '1.0.0')
    await addPackage(app, '@arizeai/openinference-instrumentation-openai', '1.0.0')
    await addPackage(app, '@traceloop/instrumentation-openai', '1.0.0')
    const result = await run(['doctor'], {}, app)
    expect(result.out).toContain('2 versions of @opentelemetry/api (1.9.0, 1.4.1)')
    expect(result.out).toContain('2 instrumentations of openai are installed')
  })

  test('looks into a running program: tracers, context manager', async () => {
    const program = join(folder, 'program.mjs')
    await writeFile(
      program,
      `import { HoneyHiveTracer } from ${JSON.stringify(join(compiled, 'index.mjs'))}
const tracer = HoneyHiveTracer.init({ testMode: true })
const library = tracer.provider.getTracer('library')
if (process.env.FIRST_SPAN === 'yes') library.startSpan('first').end()
setInterval(() => undefined, 1000)
`,
    )
    const idle = await run(['doctor', '--entry', program, '--seconds', '4'])
    expect(idle.out).toContain('ok      1 live tracer\n')
    expect(idle.out).toContain('ok      no OpenTelemetry context manager yet')
    const used = await run(['doctor', '--entry', program, '--seconds', '4'], { FIRST_SPAN: 'yes' })
    expect(used.out).toContain('context manager: AsyncLocalStorageContextManager')
  })

  const LIBRARY = 'class Completions { create() {} }\nclass OpenAI {}\nOpenAI.Chat = { Completions }\n'
  const WRAP = `const holder = OpenAI.Chat.Completions.prototype
const wrap = () => { const original = holder.create; holder.create = Object.assign(() => undefined, { __original: original }) }
`

  test('finds a library that is instrumented twice', async () => {
    const app = await mkdtemp(join(folder, 'app-'))
    await addPackage(app, 'openai', '6.0.0', { 'index.js': `${LIBRARY}module.exports = { OpenAI }` })
    await writeFile(join(app, 'once.cjs'), `const { OpenAI } = require('openai')\n${WRAP}wrap()`)
    await writeFile(join(app, 'twice.cjs'), `const { OpenAI } = require('openai')\n${WRAP}wrap(); wrap()`)
    const [one, two] = await Promise.all(
      ['once.cjs', 'twice.cjs'].map((name) => run(['doctor', '--entry', join(app, name), '--seconds', '1'], {}, app)),
    )
    expect(one?.out).not.toContain('instrumented twice')
    expect(two?.out).toContain('problem openai create is instrumented twice')
  })

  test('finds a module that was imported before it could be patched, and is content once it was patched by hand', async () => {
    const app = await mkdtemp(join(folder, 'app-'))
    const module = { type: 'module', exports: './index.js' }
    await addPackage(app, 'openai', '6.0.0', { 'index.js': `${LIBRARY}export { OpenAI }` }, module)
    await addPackage(app, '@some/instrumentation-openai', '1.0.0', { 'index.js': 'export {}' }, module)
    const imports = `import { OpenAI } from 'openai'\nimport '@some/instrumentation-openai'\n`
    await writeFile(join(app, 'late.mjs'), `${imports}console.log(OpenAI)`)
    await writeFile(join(app, 'by-hand.mjs'), `${imports}${WRAP}wrap()`)
    const [late, byHand] = await Promise.all(
      ['late.mjs', 'by-hand.mjs'].map((name) => run(['doctor', '--entry', join(app, name), '--seconds', '1'], {}, app)),
    )
    expect(late?.out).toContain('problem openai was imported as ES module before it could be patched')
    expect(byHand?.out).toContain('live tracers')
    expect(byHand?.out).not.toContain('before it could be patched')
  })

  /** Fake packages for every row of the table that needs a line, and a program that imports them all. */
  async function addEveryRow(app: string): Promise<string[]> {
    const rows = INSTRUMENTORS.filter((row) => writeLine(row) !== undefined && !row.library.startsWith('node:'))
    const module = { type: 'module', exports: { '.': './index.js', './*': './*' } }
    const text = 'export class Library { call() {} }'
    for (const { name, library, file } of rows) {
      await addPackage(app, name, '1.0.0', { 'index.js': 'export {}' }, module)
      const path = join(app, 'node_modules', library)
      await addPackage(app, library, '1.0.0', { 'index.js': text }, module)
      await mkdir(join(path, dirname(`./${file ?? ''}`)), { recursive: true })
      if (file !== undefined) await writeFile(join(path, `./${file}.js`), text)
    }
    const imports = rows.flatMap(({ name, library, file }) => [
      `import '${library}${file === undefined ? '' : `${file}.js`}'`,
      `import '${name}'`,
    ])
    await writeFile(join(app, 'all.mjs'), [...new Set(imports)].join('\n'))
    await writeFile(join(app, 'package.json'), '{ "type": "module" }')
    return rows.map((row) => writeLine(row) ?? '')
  }

  test('names the line to write for every row of the table, installed or running', async () => {
    const app = await mkdtemp(join(folder, 'app-'))
    const lines = await addEveryRow(app)
    const [installed, running] = await Promise.all([
      run(['doctor'], {}, app),
      run(['doctor', '--entry', './all.mjs', '--seconds', '3'], {}, app),
    ])
    expect(lines.filter((line) => !installed?.out.includes(line))).toEqual([])
    expect(lines.filter((line) => !running?.out.includes(line))).toEqual([])
  })

  test('sees what --import and NODE_OPTIONS load first, once it is there', async () => {
    const app = await mkdtemp(join(folder, 'app-'))
    const module = { type: 'module', exports: './index.js' }
    await addPackage(app, 'openai', '6.0.0', { 'index.js': `${LIBRARY}export { OpenAI }` }, module)
    await addPackage(app, '@arizeai/openinference-instrumentation-openai', '1.0.0', { 'index.js': 'export {}' }, module)
    await writeFile(
      join(app, 'setup.mjs'),
      `import { OpenAI } from 'openai'\nimport '@arizeai/openinference-instrumentation-openai'\n${WRAP}`,
    )
    await writeFile(join(app, 'patching.mjs'), `import { OpenAI } from 'openai'\n${WRAP}wrap()`)
    await writeFile(join(app, 'app.mjs'), 'import "openai"\nconsole.log(process.env.NODE_OPTIONS)')
    const doctor = (args: readonly string[], env: Record<string, string> = {}): Promise<Output> =>
      run(['doctor', '--entry', './app.mjs', '--seconds', '1', ...args], env, app)
    const [asked, byEnvironment, patched, missing] = await Promise.all([
      doctor(['--import', './setup.mjs']),
      doctor([], { NODE_OPTIONS: '--import ./setup.mjs --enable-source-maps' }),
      doctor(['--import', './setup.mjs', '--import', './patching.mjs']),
      doctor(['--import', './absent.mjs']),
    ])
    const passedBy = 'openai was imported as ES module before it could be patched'
    expect(asked?.out).toContain('ok      --import loads ./setup.mjs before the program')
    expect(byEnvironment?.out).toContain('ok      NODE_OPTIONS loads ./setup.mjs before the program')
    for (const result of [asked, byEnvironment]) expect(result?.out).toContain(`problem ${passedBy}`)
    expect(patched?.out).not.toContain(passedBy)
    expect(missing?.out).toContain('problem --import names ./absent.mjs, which does not exist')
  })

  test('finds what a CommonJS program required too early', async () => {
    const app = await mkdtemp(join(folder, 'app-'))
    await addPackage(app, 'openai', '6.0.0', { 'index.js': `${LIBRARY}module.exports = { OpenAI }` })
    await addPackage(app, '@traceloop/instrumentation-openai', '1.0.0', { 'index.js': '' })
    await writeFile(join(app, 'late.cjs'), `require('openai'); require('@traceloop/instrumentation-openai')`)
    const result = await run(['doctor', '--entry', './late.cjs', '--seconds', '1'], {}, app)
    expect(result.out).toContain('problem openai was required before it could be patched')
  })

  test("says when LangChain's callbacks run in the background beside several tracers", async () => {
    const app = await mkdtemp(join(folder, 'app-'))
    const module = { type: 'module', exports: './index.js' }
    await addPackage(app, '@traceloop/instrumentation-langchain', '1.0.0', { 'index.js': 'export {}' }, module)
    const program = (count: number): string => `import { HoneyHiveTracer } from ${JSON.stringify(join(compiled, 'index.mjs'))}
import '@traceloop/instrumentation-langchain'
for (let i = 0; i < ${count}; i++) HoneyHiveTracer.init({ testMode: true })
setInterval(() => undefined, 1000)`
    await writeFile(join(app, 'one.mjs'), program(1))
    await writeFile(join(app, 'two.mjs'), program(2))
    const doctor = (entry: string, env: Record<string, string> = {}): Promise<Output> =>
      run(['doctor', '--entry', entry, '--seconds', '4'], env, app)
    const [one, two, told, installed] = await Promise.all([
      doctor('./one.mjs'),
      doctor('./two.mjs'),
      doctor('./two.mjs', { LANGCHAIN_CALLBACKS_BACKGROUND: 'false' }),
      run(['doctor'], {}, app),
    ])
    expect(two?.out).toMatch(/problem LangChain runs callbacks in the background.*2 tracers are live/)
    expect(two?.out).toContain('Set LANGCHAIN_CALLBACKS_BACKGROUND=false')
    expect(installed?.out).toMatch(/warning LangChain runs callbacks in the background/)
    for (const fine of [one, told]) expect(fine?.out).not.toContain('LangChain runs callbacks')
  })

  test('says that the program itself failed', async () => {
    const result = await run(['doctor', '--entry', join(folder, 'missing.mjs'), '--seconds', '1'])
    expect(result.out).toMatch(/problem .*missing\.mjs failed while it was watched \(exit code 1\)/)
  })

  test('a time that is no number is wrong use', async () => {
    expect(await run(['doctor', '--entry', 'x.mjs', '--seconds', 'soon'])).toMatchObject({ code: 2 })
  })
})

async function addPackage(
  root: string,
  name: string,
  version: string,
  files: Readonly<Record<string, string>> = {},
  manifest: object = {},
): Promise<void> {
  const path = join(root, 'node_modules', name)
  await mkdir(path, { recursive: true })
  await writeFile(join(path, 'package.json'), JSON.stringify({ name, version, ...manifest }))
  await Promise.all(Object.entries(files).map(([file, text]) => writeFile(join(path, file), text)))
}
