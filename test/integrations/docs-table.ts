import { readFileSync } from 'node:fs'
import { join } from 'node:path'
import { CHAT_FEATURES, type Failure, type Feature, type Gap, type Outcome, type Row, readGroups, versionOf } from './row.js'
import { CLIENT_ROWS, SERVER_GAPS, SERVER_GROUPS, SERVER_ROWS } from './server-row.js'

/** The page that holds the tables. */
export const PAGE: string = join(import.meta.dirname, '../../docs/integrations.md')

/** Where they stand in it. */
export const PLACE: RegExp = /(<!-- rows -->\n)[\s\S]*?(<!-- \/rows -->)/

/** The same of servers and their clients. */
export const SERVER_PLACE: RegExp = /(<!-- servers -->\n)[\s\S]*?(<!-- \/servers -->)/

/** The page with the tables as the rows have them. */
export async function renderPage(page: string): Promise<string> {
  const entries = (await readGroups()).flatMap(({ folder, rows }) => toEntries(folder, rows))
  const tables = [
    toTable(CAPTURED, entries.map(toCaptured)),
    '## What does not work\n',
    WRONG_INTRO,
    toTable(WRONG, mergeVersions(entries.flatMap(toWrong))),
  ]
  const written = page.replace(PLACE, (_, before: string, after: string) => `${before}\n${tables.join('\n')}\n${after}`)
  return written.replace(SERVER_PLACE, (_, before: string, after: string) => `${before}\n${renderServers().join('\n')}\n${after}`)
}

/** A row in all its module formats. */
interface Entry {
  readonly folder: string
  readonly row: Row
  readonly formats: string
  readonly version: (name: string) => string
}

function toEntries(folder: string, rows: readonly Row[]): Entry[] {
  const lock = JSON.parse(readFileSync(join(import.meta.dirname, folder, 'package-lock.json'), 'utf8'))
  const byName = new Map<string, Row[]>()
  for (const row of rows) {
    const name = `${row.program} ${row.broken?.what ?? ''}`
    byName.set(name, [...(byName.get(name) ?? []), row])
  }
  return [...byName.values()].flatMap((alike) => {
    const [row] = alike
    if (row === undefined) return []
    const formats = alike.map(({ format }) => (format === 'esm' ? 'ESM' : 'CommonJS')).join(', ')
    return [{ folder, row, formats, version: (name) => versionOf(name, lock) }]
  })
}

const CAPTURED = ['package', 'traced by', 'format', 'calls', 'what they say', 'calls that go wrong', 'test'] as const
const WRONG = ['package', 'traced by', 'what', 'whose fault', 'what to do'] as const
const WRONG_INTRO = 'Each line is asserted too: on the day a package is mended, its row fails.\n'

function toCaptured({ folder, row, formats, version }: Entry): readonly string[] {
  const { library, instrumentor, node, page, program, broken, variant } = row
  const name = `\`${library}\` ${version(library)}`
  const test = `\`${folder}/${program}\``
  const head = [
    page === undefined ? name : `[${name}](integrations/${page}.md)`,
    `${instrumentor === undefined ? 'itself' : `\`${instrumentor}\` ${version(instrumentor)}`}${variant === undefined ? '' : `, ${variant}`}`,
    node === undefined ? formats : `${formats}; Node ${node}`,
  ]
  if (broken !== undefined) return [...head, 'none', '', '', test]
  return [...head, toWords(namesOfCases(row)), toWords(featuresOf(row).map((feature) => FEATURE_WORDS[feature])), failuresOf(row), test]
}

/** Cases that leave something, in words: `responsesStream` is "responses stream". */
function namesOfCases({ cases }: Row): string[] {
  const kept = Object.entries(cases).filter(([, { events }]) => Object.keys(events).length > 0)
  return kept.map(([kind]) => kind.replace(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`))
}

const FEATURE_WORDS: Readonly<Record<Feature, string>> = {
  inputs: 'inputs',
  outputs: 'outputs',
  model: 'model',
  promptTokens: 'tokens in',
  completionTokens: 'tokens out',
  cacheReadTokens: 'cached',
  cacheWriteTokens: 'written to the cache',
  reasoningTokens: 'reasoning',
  toolCalls: 'tool calls',
  toolResults: 'tool results',
}

/** What at least one case says; where others do not, the second table has it. */
function featuresOf({ cases }: Row): Feature[] {
  const said = new Set<Feature>()
  for (const { events, features = events.model === undefined ? [] : CHAT_FEATURES, lacks = {} } of Object.values(cases)) {
    for (const feature of features) if (!(feature in lacks)) said.add(feature)
  }
  return (Object.keys(FEATURE_WORDS) as Feature[]).filter((feature) => said.has(feature))
}

const FAILURE_WORDS: Readonly<Record<Failure, string>> = { refused: '429', failed: '500', break: 'break', abort: 'abort', cut: 'cut' }
const OUTCOME_WORDS: Readonly<Record<Outcome, string>> = { error: 'error', ended: 'ended', open: 'never ended', crash: 'process dies' }

/** Failures by how they end. */
function failuresOf({ failures }: Row): string {
  const entries = Object.entries(failures) as [Failure, Outcome][]
  const outcomes = [...new Set(entries.map(([, outcome]) => outcome))]
  const listOf = (outcome: Outcome): string =>
    toWords(entries.filter(([, other]) => other === outcome).map(([failure]) => FAILURE_WORDS[failure]))
  return outcomes.map((outcome) => `${listOf(outcome)}: ${OUTCOME_WORDS[outcome]}`).join('; ')
}

function toWrong({ row, version, formats }: Entry): (readonly string[])[] {
  const { library, instrumentor, broken, gaps = {} } = row
  const head = [`\`${library}\` ${version(library)}`, instrumentor === undefined ? 'itself' : `\`${instrumentor}\``]
  const all: readonly Gap[] = broken === undefined ? Object.values(gaps) : [{ ...broken, what: `${formats}: ${broken.what}` }]
  return all.map(({ fault, what, remedy }) => [...head, what, fault === 'ours' ? 'ours' : `the ${fault}'s`, remedy])
}

/** Several versions of a package with the same fault stand in one line. */
function mergeVersions(rows: readonly (readonly string[])[]): (readonly string[])[] {
  const byFault = new Map<string, string[]>()
  for (const [name = '', ...fault] of rows) {
    const key = JSON.stringify(fault)
    byFault.set(key, [...(byFault.get(key) ?? []), name])
  }
  return [...byFault].map(([fault, names]) => [[...new Set(names)].join(', '), ...(JSON.parse(fault) as string[])])
}

const toWords = (words: readonly string[]): string => words.join(', ')

const SERVERS = ['package', 'traced by', 'on a tracer’s provider, or a routing one', 'in the application’s own SDK', 'test'] as const
const SERVERS_WRONG = ['where', 'what', 'whose fault', 'what to do'] as const

function renderServers(): readonly string[] {
  const lines = SERVER_GROUPS.flatMap((group) => {
    const lock = JSON.parse(readFileSync(join(import.meta.dirname, group.folder, 'package-lock.json'), 'utf8'))
    const versioned = (name: string): string => (name.startsWith('node:') ? `\`${name}\`` : `\`${name}\` ${versionOf(name, lock)}`)
    const how = `${group.format === 'esm' ? 'ESM' : 'CommonJS'}${group.node === undefined ? '' : `, Node ${group.node}`}`
    const host = group.sides.includes('sdk') ? '`NodeSDK`' : '`TracerProvider`'
    return [
      ...SERVER_ROWS.map(({ framework, ...row }) => ({ ...row, name: framework })),
      ...CLIENT_ROWS.map((row) => ({ ...row, name: row.library })),
    ].map(({ library, instrumentor, name }) => [
      versioned(library),
      versioned(instrumentor),
      `yes; ${how}`,
      `yes, ${host}`,
      `\`${group.folder}/${name}\``,
    ])
  })
  const wrong = SERVER_GAPS.map(({ where, fault, what, remedy }) => [where, what, `the ${fault}'s`, remedy])
  return [toTable(SERVERS, lines), toTable(SERVERS_WRONG, wrong)]
}

function toTable(head: readonly string[], rows: readonly (readonly string[])[]): string {
  const line = (cells: readonly string[]): string => `| ${cells.map((cell) => cell.replaceAll('|', '\\|')).join(' | ')} |\n`
  return [line(head), line(head.map(() => '---')), ...rows.map(line)].join('')
}
