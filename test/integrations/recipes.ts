import { execFile } from 'node:child_process'
import { mkdir, readdir, readFile, rm, writeFile } from 'node:fs/promises'
import { basename, join } from 'node:path'
import { promisify } from 'node:util'
import type { DecodedSpan } from '../../src/otlp/decoded-span.js'
import { findNode } from '../fixtures/group-install.js'
import type { Servers } from './run-row.js'

const execute = promisify(execFile)
const PAGES = join(import.meta.dirname, '../../docs/integrations')

/** A program in the documentation, below a comment that says in which group's folder it runs, as what, and on which Node. */
export interface Recipe {
  readonly title: string
  readonly folder: string
  readonly isCommonJs: boolean
  readonly node: '24' | undefined
  readonly text: string
  /** Keys that it gives to tracers. */
  readonly apiKeys: readonly string[]
}

const RECIPE = /<!-- runs in ([\w-]+)((?:, \w+)*) -->\n```js\n([\s\S]*?)\n```/g

/** The programs of all pages. */
export async function readRecipes(): Promise<readonly Recipe[]> {
  const pages = await readdir(PAGES)
  const texts = await Promise.all(pages.sort().map(async (page) => [page, await readFile(join(PAGES, page), 'utf8')] as const))
  return texts.flatMap(([page, text]) => [...text.matchAll(RECIPE)].map((match, index) => toRecipe(page, index, match)))
}

function toRecipe(page: string, index: number, [, folder = '', options = '', text = '']: readonly string[]): Recipe {
  const title = `${basename(page, '.md')} ${index + 1}`
  const apiKeys = [...new Set([...text.matchAll(/apiKey: '([^']+)'/g)].map(([, key]) => key ?? ''))]
  return { title, folder, isCommonJs: options.includes('cjs'), node: options.includes('24') ? '24' : undefined, text, apiKeys }
}

/** Runs it as it stands; what its tracers delivered, by key. */
export async function runRecipe(recipe: Recipe, { model, receiver }: Servers): Promise<Readonly<Record<string, readonly DecodedSpan[]>>> {
  const cwd = join(import.meta.dirname, recipe.folder, 'node_modules', '.recipes')
  const file = join(cwd, `${recipe.title.replace(' ', '-')}.${recipe.isCommonJs ? 'cjs' : 'mjs'}`)
  await mkdir(cwd, { recursive: true })
  await writeFile(file, recipe.text)
  const { NODE_OPTIONS: _, NODE_ENV: __, ...inherited } = process.env
  // Where the clients of the providers look for their servers and keys.
  const env = {
    ...inherited,
    HH_API_URL: receiver.url,
    OPENAI_API_KEY: 'key',
    OPENAI_BASE_URL: `${model.url}/v1`,
    ANTHROPIC_API_KEY: 'key',
    ANTHROPIC_BASE_URL: model.url,
    GEMINI_API_KEY: 'key',
    GOOGLE_GEMINI_BASE_URL: model.url,
    AWS_REGION: 'us-east-1',
    AWS_ACCESS_KEY_ID: 'id',
    AWS_SECRET_ACCESS_KEY: 'secret',
    AWS_ENDPOINT_URL: model.http2Url,
    // `NodeSDK` would wait for a collector.
    OTEL_METRICS_EXPORTER: 'none',
    OTEL_LOGS_EXPORTER: 'none',
  }
  try {
    await execute(await findNode(recipe.node), [file], { cwd, env, timeout: 60_000 })
  } finally {
    await rm(file)
  }
  return Object.fromEntries(recipe.apiKeys.map((key) => [key, receiver.take(key)]))
}
