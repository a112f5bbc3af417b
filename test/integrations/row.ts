import { readdirSync } from 'node:fs'

/** One library with one instrumentor in one module format, in a group whose folder holds the packages. */
export interface Row {
  /** File in the folder of the group, without its extension, e.g. `openai-openinference`. */
  readonly program: string
  /** `esm`: `<program>.mjs`; `cjs`: `<program>.cjs`. */
  readonly format: 'esm' | 'cjs'
  /** Package that is traced. */
  readonly library: string
  /** Package that traces it; none where the library has a hook of its own. */
  readonly instrumentor?: string
  /** What tells it from a row of the same packages, e.g. how they are set up. */
  readonly variant?: string
  /** Page in `docs/integrations/`, without its extension. */
  readonly page?: string
  /** Line of Node that a package needs, where the running one is not enough. */
  readonly node?: '24'
  /** Arguments of Node before the program, e.g. for a loader hook. */
  readonly nodeArguments?: readonly string[]
  readonly env?: Readonly<Record<string, string>>
  /** What the program can be asked for, and what each leaves. */
  readonly cases: Readonly<Record<string, Case>>
  /** How calls end that do not go well. */
  readonly failures: Readonly<Partial<Record<Failure, Outcome>>>
  /** What does not work, under the names that `lacks`, `tree` and `failures` give. */
  readonly gaps?: Readonly<Record<string, Gap>>
  /** Why the whole row does not work: `dies`, the process ends where the library is loaded; `nothing`, no span is recorded. */
  readonly broken?: Gap & { readonly how: 'dies' | 'nothing' }
  /** Warnings of ours that are right here; none by default. */
  readonly warnings?: readonly RegExp[]
  /** Interleaved requests of the two tenants. @defaultValue 200 */
  readonly load?: number
}

/** What one call leaves. */
export interface Case {
  /** How many events of each type lie below the request; `chain` without the request itself. */
  readonly events: Readonly<Partial<Record<'model' | 'tool' | 'chain' | 'generic', number>>>
  /** What its model events say. @defaultValue {@link CHAT_FEATURES} */
  readonly features?: readonly Feature[]
  /** What they do not say, and the name of the gap. */
  readonly lacks?: Readonly<Partial<Record<Feature, string>>>
  /** Names of the model events that are asked, where others are steps of them. @defaultValue all */
  readonly asked?: RegExp
  /** Tokens of the whole request, as the local server counts them: what wrappers repeat once. Not looked at when left out. */
  readonly tokens?: number
  /** Name of the gap by which it leaves no event, or not all. */
  readonly gap?: string
  /** Name of the gap by which the application does not get its answer, with plain OpenTelemetry neither. */
  readonly answerGap?: string
  /** Name of the gap by which the tree differs from that of plain OpenTelemetry. */
  readonly treeGap?: string
}

/** What an event of a model call can say; the answers of the model server are the same for all. */
export type Feature =
  | 'inputs'
  | 'outputs'
  | 'model'
  | 'promptTokens'
  | 'completionTokens'
  | 'cacheReadTokens'
  | 'cacheWriteTokens'
  | 'reasoningTokens'
  | 'toolCalls'
  | 'toolResults'

/** What a chat says where a row names no features. */
export const CHAT_FEATURES: readonly Feature[] = [
  'inputs',
  'outputs',
  'model',
  'promptTokens',
  'completionTokens',
  'cacheReadTokens',
  'reasoningTokens',
]

/** What a chat with a tool says in addition. */
export const TOOL_FEATURES: readonly Feature[] = [...CHAT_FEATURES, 'toolCalls', 'toolResults']

/** No token counts, by this gap. */
export function noUsage(gap: string): NonNullable<Case['lacks']> {
  return { promptTokens: gap, completionTokens: gap, cacheReadTokens: gap, reasoningTokens: gap }
}

/** Ways in which a call does not go well. */
export type Failure = 'refused' | 'failed' | 'break' | 'abort' | 'cut'

/**
 * How its span arrives: `error`, with an error; `ended`, as if all went well; `open`, never ended by the instrumentor; `crash`, the
 * process dies, also under plain OpenTelemetry. All but the first two need a gap of the failure's name.
 */
export type Outcome = 'error' | 'ended' | 'open' | 'crash'

/** Something that cannot work, whose fault it is, and what to do. */
export interface Gap {
  readonly fault: 'library' | 'instrumentor' | 'ours'
  readonly what: string
  readonly remedy: string
}

/** The groups: folders here with a file of rows. */
export async function readGroups(): Promise<readonly { readonly folder: string; readonly rows: readonly Row[] }[]> {
  const folders = readdirSync(import.meta.dirname, { withFileTypes: true }).filter((entry) => entry.isDirectory())
  const names = folders.map(({ name }) => name).filter((name) => readdirSync(`${import.meta.dirname}/${name}`).includes('rows.ts'))
  const groups: { folder: string; rows: readonly Row[] }[] = []
  // One after another: Vitest may hand out a module that two of them import before it has run.
  for (const folder of names.sort()) groups.push({ folder, rows: ((await import(`./${folder}/rows.ts`)) as { rows: readonly Row[] }).rows })
  return groups
}

/** A lock file, as far as it is read. */
export interface Lock {
  readonly packages: Readonly<Record<string, { readonly version?: string }>>
}

/** The version of a package in a lock file. */
export function versionOf(name: string, { packages }: Lock): string {
  const version = packages[`node_modules/${name}`]?.version
  if (version === undefined) throw new Error(`No lock file holds ${name}.`)
  return version
}

/** `openai 6.49.0 + @opentelemetry/instrumentation-openai 0.21.0, ESM` */
export function titleOf({ library, instrumentor, format, node, variant }: Row, lock: Lock): string {
  const packages = [library, ...(instrumentor === undefined ? [] : [instrumentor])].map((name) => `${name} ${versionOf(name, lock)}`)
  return [
    packages.join(' + '),
    ...(variant === undefined ? [] : [variant]),
    format === 'esm' ? 'ESM' : 'CommonJS',
    ...(node === undefined ? [] : [`Node ${node}`]),
  ].join(', ')
}
