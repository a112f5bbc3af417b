import { mkdtempSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, relative } from 'node:path'
import { describe, expect, onTestFinished, test } from 'vitest'
import { type Block, readBlocks, root } from '../../scripts/docs/blocks.js'
import { checkCommands } from '../../scripts/docs/commands.js'
import { compileBlocks } from '../../scripts/docs/compile.js'
import { checkNames } from '../../scripts/docs/links.js'
import { runBlocks } from '../../scripts/docs/run.js'
import { checkSettings } from '../../scripts/docs/settings.js'
import { findPages, toRepositoryUrl } from '../../scripts/site-pages.js'

const FENCE = '```'

/** A page that a test writes; its path relative to the repository. */
function writePage(text: string): string {
  const folder = mkdtempSync(join(tmpdir(), 'docs-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  writeFileSync(join(folder, 'page.md'), text)
  return relative(root, join(folder, 'page.md'))
}

const toBlock = (language: string, text: string, mark?: Block['mark']): Block => ({
  page: 'docs/page.md',
  line: 3,
  language,
  text,
  fileName: undefined,
  mark,
})

describe('readBlocks', () => {
  test('tells the file, the mark and the line of a block', () => {
    const page = writePage(
      [
        'Save this as `app.mjs`:',
        '',
        `${FENCE}js`,
        'run()',
        FENCE,
        '<!-- not run: no licence -->',
        `${FENCE}ts`,
        FENCE,
        '<!-- runs in models, cjs -->',
        `${FENCE}js`,
        FENCE,
        '<!-- runs until stopped -->',
        `${FENCE}js`,
        FENCE,
      ].join('\n'),
    )
    expect(readBlocks(page).map(({ line, fileName, mark }) => ({ line, fileName, mark }))).toEqual([
      { line: 3, fileName: 'app.mjs', mark: undefined },
      { line: 7, fileName: undefined, mark: { kind: 'not', words: 'no licence' } },
      { line: 10, fileName: undefined, mark: { kind: 'in', words: 'models' } },
      { line: 13, fileName: undefined, mark: { kind: 'until stopped', words: '' } },
    ])
  })
})

describe('what is not so on a page is told', () => {
  test.for([
    ['npx honeyhive-tracer devv', ['there is no command "honeyhive-tracer devv"']],
    ['npx honeyhive-tracer dev --prot 1', ['"dev" has no option --prot']],
    ['npx honeyhive-tracer eval merge part-*.json --reporter junit=a.xml', []],
    ['npx honeyhive-tracer traces | head', []],
    ['npm install honeyhive-tracer @opentelemetry/api', []],
  ] as const)('command: %s', ([text, words]) => {
    expect(checkCommands(text)).toEqual(words)
  })

  test.for([
    ['json', '{ "a": 1, }', /JSON|property/],
    ['yaml', 'a: [1', /./],
    ['yaml', 'tracers:\n  a:\n    api_kei: key\n', /must NOT have/],
    ['yaml', 'tracers:\n  a:\n    sampleRate: "much"\n', /schema\/tracers\.schema\.json/],
  ] as const)('settings in %s: %s', ([language, text, words]) => {
    expect(checkSettings(toBlock(language, text)).map((problem) => problem.text)[0]).toMatch(words)
  })

  test('settings that are right are not', () => {
    expect(checkSettings(toBlock('yaml', 'tracers:\n  a:\n    api_key: ${HH_API_KEY}\n'))).toEqual([])
  })

  test('types, with the line of the page; of JavaScript an export that does not exist', { timeout: 120_000 }, () => {
    const wrong = "import { HoneyHiveTracer } from 'honeyhive-tracer'\nHoneyHiveTracer.init({ apiKey: 5 })\n"
    const old = "import { observe } from 'honeyhive-tracer'\nimport nothing from 'not-here'\nobserve(nothing)\n"
    expect(compileBlocks([toBlock('ts', wrong), { ...toBlock('js', old), line: 20 }]).map(({ line, text }) => [line, text])).toEqual([
      [5, expect.stringContaining("'number' is not assignable")],
      [21, expect.stringContaining("no exported member 'observe'")],
    ])
  })

  test('links, files and scripts', () => {
    const page = writePage('[a](nowhere.md) [b](#nothing) `src/nothing.ts` `npm run nothing`\n')
    expect(checkNames(page).map(({ text }) => text)).toEqual([
      'the link nowhere.md leads nowhere',
      'the link #nothing names no heading there',
      'there is no src/nothing.ts',
      'there is no script "nothing"',
    ])
  })
})

describe('runBlocks', () => {
  test('runs programs with the package, and tells those that fail or do not end as they should', { timeout: 120_000 }, async () => {
    const works =
      "import { HoneyHiveTracer } from 'honeyhive-tracer'\nconst tracer: HoneyHiveTracer = HoneyHiveTracer.init()\nif (!tracer.isEnabled) throw 1\n"
    const serves = "import { createServer } from 'node:http'\ncreateServer().listen(8080)\n"
    const problems = await runBlocks(
      [
        { ...toBlock('ts', works), line: 1 },
        { ...toBlock('js', "throw new Error('wrong')"), line: 2 },
        { ...toBlock('js', serves, { kind: 'until stopped', words: '' }), line: 3 },
        { ...toBlock('js', 'process.exit(3)', { kind: 'until stopped', words: '' }), line: 4 },
      ],
      [],
    )
    expect(problems.map(({ line, text }) => [line, text]).sort()).toEqual([
      [2, expect.stringMatching(/^the program ended with 1:[\s\S]*Error: wrong/)],
      [4, expect.stringContaining('3 before it was stopped')],
    ])
  })
})

describe('the pages of the site', () => {
  test('are all those of docs/, under the words and sections of docs/README.md', () => {
    const pages = findPages()
    expect(pages.find(({ path }) => path === 'privacy')).toMatchObject({ name: 'Privacy', group: 'What is recorded' })
    expect(pages.find(({ path }) => path === 'migrate/index')).toMatchObject({ name: 'Moving here', group: 'Move here' })
    expect(new Set(pages.map(({ path }) => path)).size).toBe(pages.length)
  })

  test('lead out of the site into the repository', () => {
    const pages = new Set([join(root, 'docs/privacy.md')])
    const from = join(root, 'docs/integrations/openai.md')
    expect(toRepositoryUrl(from, '../privacy.md#media', pages)).toBeUndefined()
    expect(toRepositoryUrl(from, '../images/page.png', pages)).toBeUndefined()
    expect(toRepositoryUrl(from, '../../examples/client.ts', pages)).toMatch(/^https:.*\/blob\/main\/examples\/client\.ts$/)
    expect(toRepositoryUrl(from, '../../examples#a', pages)).toMatch(/\/tree\/main\/examples#a$/)
  })
})
