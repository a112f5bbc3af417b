import { basename, extname } from 'node:path'
import { type ConfigProblem, HoneyHiveConfigError } from '../errors.js'
import { findUnreadable, readAuthorities } from './authorities.js'
import { checkTogether, readGiven, withoutKeys } from './given.js'
import type { TracerOptions } from './options.js'
import type { RedactRules } from '../semantics/redaction.js'
import { readRefusal } from './platform.js'
import type { ResolvedBatch, ResolvedConfig } from './resolved.js'
import { BATCH_DEFAULTS, CAPTURE_DEFAULTS, DEFAULTS, LIMIT_DEFAULTS, toHttpUrl, toProxyUrl, toServerUrl } from './schema.js'
import { toSessionId } from '../semantics/session-id.js'
import { remembered } from './remembered.js'
import {
  type Environment,
  type EnvironmentValues,
  findMisnamed,
  type ProxyVariables,
  readEnvironment,
  readProxies,
  readSettingVariables,
} from './sources.js'

const NO_TEXTS: Readonly<Record<string, string>> = Object.freeze({})
const NO_RULES: RedactRules = Object.freeze({ __proto__: null } as RedactRules)
const EMPTY_LIST: readonly never[] = Object.freeze([])

/**
 * Combines code, environment and defaults into the frozen settings of one tracer: code wins over environment, environment
 * over default; `null` and `undefined` mean "not given".
 *
 * @throws HoneyHiveConfigError when options given in code are wrong; it lists all of them.
 */
export function resolveConfig(options?: TracerOptions, env: Environment = readSettingVariables()): ResolvedConfig {
  const problems: ConfigProblem[] = []
  const code = readGiven(options, { problems })
  checkTogether(code, { problems })
  if (problems.length > 0) throw new HoneyHiveConfigError(withoutKeys(problems, readKeys(options)))
  return combine(code, withMisnamed(readEnvironment(env), code, env), readProxies(env))
}

/** A variable that was meant for what nobody gave: spans would go to another server than that, or nowhere. */
function withMisnamed(environment: EnvironmentValues, code: TracerOptions, env: Environment): EnvironmentValues {
  const { values, warnings } = environment
  const isGiven = (option: 'apiKey' | 'serverUrl'): boolean => Boolean(code[option] ?? values[option])
  const keys = isGiven('apiKey') ? EMPTY_LIST : findMisnamed('apiKey', env)
  const urls = isGiven('serverUrl') ? EMPTY_LIST : findMisnamed('serverUrl', env)
  return keys.length + urls.length === 0 ? environment : { ...environment, warnings: [...warnings, ...keys, ...urls] }
}

function combine(code: TracerOptions, environment: EnvironmentValues, variables: ProxyVariables): ResolvedConfig {
  const env = environment.values as TracerOptions
  const serverUrl = toServerUrl(code.serverUrl ?? env.serverUrl ?? DEFAULTS.serverUrl) ?? DEFAULTS.serverUrl
  const exportUrl = toHttpUrl(code.exportUrl ?? env.exportUrl ?? '')
  const allowInsecureUrl = code.allowInsecureUrl ?? false
  const exposed = allowInsecureUrl ? [] : Object.entries({ serverUrl, exportUrl }).filter(([, url]) => isPlainHttpAbroad(url))
  const isAstray = environment.unreadable.some((option) => !code[option as keyof TracerOptions])
  const key = code.apiKey ?? env.apiKey
  const { proxy, unreadable: lostProxies } = resolveProxy(code.proxy, code.agent ? NO_VARIABLES : variables)
  const refusal = readRefusal()
  const sessionId = toId(code.sessionId)
  const runId = toId(code.runId)
  const datasetId = toId(code.datasetId)
  const datapointId = toId(code.datapointId)
  const warnings = [
    ...(refusal === undefined ? EMPTY_LIST : [refusal]),
    ...environment.warnings,
    ...exposed.map(toExposedLine),
    ...lostProxies.map(toLostProxyLine),
  ]
  const config: ResolvedConfig = {
    apiKey: typeof key === 'function' ? undefined : key?.trim() || undefined,
    askKey: typeof key === 'function' ? key : undefined,
    project: code.project ?? env.project ?? undefined,
    source: code.source ?? env.source ?? DEFAULTS.source,
    serverUrl,
    exportUrl,
    allowInsecureUrl,
    proxy,
    agent: code.agent ?? undefined,
    ca: code.ca ? readCa(code.ca) : undefined,
    sessionName: code.sessionName ?? env.sessionName ?? toMainName(),
    sessionId: sessionId === undefined ? undefined : toSessionId(sessionId),
    inputs: code.inputs ?? undefined,
    metadata: code.metadata ?? undefined,
    userProperties: code.userProperties ?? undefined,
    skipSessionCreation: code.skipSessionCreation ?? env.skipSessionCreation ?? false,
    testMode: code.testMode ?? env.testMode ?? false,
    disabled: (code.disabled ?? env.disabled ?? false) || refusal !== undefined || isAstray || exposed.length > 0 || lostProxies.length > 0,
    verbose: code.verbose ?? env.verbose ?? false,
    disableBatch: code.disableBatch ?? env.disableBatch ?? false,
    isEvaluation: code.isEvaluation ?? (runId !== undefined && datasetId !== undefined && datapointId !== undefined),
    runId,
    datasetId,
    datapointId,
    linkCarrier: code.linkCarrier ?? undefined,
    spanFilter: code.spanFilter ?? undefined,
    limits: merge(LIMIT_DEFAULTS, env.limits, code.limits),
    batch: toBatch(merge(BATCH_DEFAULTS, env.batch, code.batch), code.batch?.scheduledDelayMs ?? env.batch?.scheduledDelayMs),
    spool: code.spool ?? env.spool ?? undefined,
    protocol: code.protocol ?? env.protocol ?? DEFAULTS.protocol,
    // On the same machine compression costs more time than the bytes it saves.
    compression: code.compression ?? env.compression ?? (isOnThisMachine(exportUrl ?? serverUrl) ? 'none' : DEFAULTS.compression),
    headers: code.headers ?? NO_TEXTS,
    resourceAttributes: toResource(code, env),
    resource: code.resource ?? undefined,
    resourceDetectors: code.resourceDetectors ?? EMPTY_LIST,
    capture: merge(CAPTURE_DEFAULTS, env.capture, code.capture),
    redact: code.redact ?? NO_RULES,
    sampler: code.sampler ?? undefined,
    sampleRate: code.sampleRate ?? (code.sampler ? undefined : env.sampleRate) ?? DEFAULTS.sampleRate,
    crossTracerLinks: code.crossTracerLinks ?? env.crossTracerLinks ?? true,
    registerContextManager: code.registerContextManager ?? true,
    instrumentations: code.instrumentations ? Object.freeze(code.instrumentations.flat()) : EMPTY_LIST,
    spanProcessors: code.spanProcessors ?? EMPTY_LIST,
    idGenerator: code.idGenerator ?? undefined,
    meterProvider: code.meterProvider ?? undefined,
    exporter: code.exporter ?? undefined,
    fetch: code.fetch ?? undefined,
    logger: code.logger ?? undefined,
    onDrop: code.onDrop ?? undefined,
    warnings: warnings.length === 0 ? EMPTY_LIST : warnings,
  }
  return Object.freeze(config)
}

/** Ids of the evaluation and the session: a blank one is a lookup that found nothing, never an id to share. */
function toId(text: string | null | undefined): string | undefined {
  return text === null || text === undefined || text.trim() === '' ? undefined : text
}

function merge<T extends object>(defaults: T, env: object | null | undefined, code: object | null | undefined): T {
  return env || code ? Object.freeze({ ...defaults, ...env, ...code }) : defaults
}

function toResource(code: TracerOptions, env: TracerOptions): ResolvedConfig['resourceAttributes'] {
  if (!code.resourceAttributes && !env.resourceAttributes) return NO_TEXTS
  return Object.freeze({ ...env.resourceAttributes, ...code.resourceAttributes })
}

/** One request never holds more than the queue can. */
/** @param delayMs the delay that was given, which is kept to. */
function toBatch(batch: ResolvedBatch, delayMs: number | null | undefined): ResolvedBatch {
  const isUsual = batch.maxExportBatchSize <= batch.maxQueueSize && batch.maxExportBatchBytes <= batch.maxQueueBytes
  if (isUsual && typeof delayMs !== 'number') return batch
  return Object.freeze({
    ...batch,
    ...(typeof delayMs === 'number' ? { mostDelayMs: delayMs } : {}),
    maxExportBatchSize: Math.min(batch.maxExportBatchSize, batch.maxQueueSize),
    maxExportBatchBytes: Math.min(batch.maxExportBatchBytes, batch.maxQueueBytes),
  })
}

function readKeys(options: TracerOptions | undefined): readonly string[] {
  try {
    const key: unknown = options?.apiKey
    return typeof key === 'string' ? [key.trim()] : []
  } catch {
    // The getter's failure is already among the problems.
    return []
  }
}

interface ProxyChoice {
  readonly proxy: ResolvedConfig['proxy']
  /** Variables that name a proxy nobody can reach: going around it is not what was meant. */
  readonly unreadable: readonly string[]
}

/** @throws HoneyHiveConfigError for a file that was there when it was checked, and can no longer be read. */
function readCa(given: NonNullable<TracerOptions['ca']>): string {
  try {
    return readAuthorities(given)
  } catch {
    throw new HoneyHiveConfigError([{ option: 'ca', message: `Invalid "ca": it is ${findUnreadable(given) ?? 'unreadable'}. Try again.` }])
  }
}

/** An agent that was given makes its own way, as everywhere in Node. */
const NO_VARIABLES: ProxyVariables = { http: undefined, https: undefined, except: '' }

const NO_PROXY: ProxyChoice = { proxy: undefined, unreadable: [] }

function resolveProxy(given: TracerOptions['proxy'], { http, https, except }: ProxyVariables): ProxyChoice {
  if (given === false) return NO_PROXY
  if (given) {
    const url = toProxyUrl(given)
    return { proxy: { http: url, https: url, except }, unreadable: [] }
  }
  if (http === undefined && https === undefined) return NO_PROXY
  const named = Object.entries({ HTTP_PROXY: http, HTTPS_PROXY: https })
  const unreadable = named.flatMap(([name, url]) => (url !== undefined && toProxyUrl(url) === undefined ? [name] : []))
  return { proxy: { http: toProxyUrl(http ?? ''), https: toProxyUrl(https ?? ''), except }, unreadable }
}

function toLostProxyLine(name: string): string {
  return `Disabled: ${name} is no http or https URL of a proxy, and Node was told to use it. Correct it, or set "proxy" in code, false for none.`
}

function isPlainHttpAbroad(url: string | undefined): boolean {
  return url?.startsWith('http:') === true && !isOnThisMachine(url)
}

const isOnThisMachine = remembered((url) => isLoopback(new URL(url).hostname))

function isLoopback(host: string): boolean {
  return (
    host === 'localhost' ||
    host.endsWith('.localhost') ||
    host === '[::1]' ||
    /^127\.\d+\.\d+\.\d+$/.test(host) ||
    host.startsWith('[::ffff:7f')
  )
}

function toExposedLine([option, url]: readonly [option: string, url: string | undefined]): string {
  const what = option === 'serverUrl' ? 'the API key' : 'what was recorded'
  return `Disabled: "${option}" ${url} is plain http to another host and would send ${what} readable to everyone on the way. Use https, or set allowInsecureUrl: true.`
}

const EVAL_FLAG = /^(-e|-p|-pe|--eval|--print)(=|$)/

/** Base name of the program's main file; `node` when there is none. */
function toMainName(): string {
  const main = process.argv[1]
  if (main === undefined || main === '' || process.execArgv.some((flag) => EVAL_FLAG.test(flag))) return 'node'
  return basename(main, extname(main)) || 'node'
}
