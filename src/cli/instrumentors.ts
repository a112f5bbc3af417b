/** How an instrumentor reaches its library in an ES module. Every row was tried with the packages of `docs/integrations/es-modules.md`. */
export interface Instrumentor {
  readonly name: string
  /** Package it patches, or module of Node. */
  readonly library: string
  /** Part of the path of the file it patches, where the package has several that are loaded on their own. */
  readonly file?: string
  /** What the program writes: how the argument of `manuallyInstrument` is imported, and the argument. */
  readonly manual?: readonly [load: string, argument: string]
  /** OpenTelemetry's loader hook patches what is imported after it. Two copies of it in one process keep each other from working. */
  readonly hook?: true
  /** The library is CommonJS inside, which is patched as it loads, once the instrumentation is there. */
  readonly order?: true
  /** Nothing is to be done: why. */
  readonly nothing?: string
  /** Nothing helps: why, and what does. */
  readonly broken?: string
  /** Its mark on the library cannot be looked for: it puts another function in its place. */
  readonly isUnmarked?: true
}

const OPENINFERENCE = '@arizeai/openinference-instrumentation-'
const TRACELOOP = '@traceloop/instrumentation-'
const OPENTELEMETRY = '@opentelemetry/instrumentation-'
const MANAGER = '/callbacks/manager'

const whole = (name: string, library: string): readonly [string, string] => [`import * as ${name} from '${library}'`, name]
const main = (name: string, library: string): readonly [string, string] => [`import ${name} from '${library}'`, name]

/** The instrumentors that were tried. */
export const INSTRUMENTORS: readonly Instrumentor[] = [
  { name: `${OPENINFERENCE}openai`, library: 'openai', manual: main('OpenAI', 'openai') },
  { name: `${OPENINFERENCE}anthropic`, library: '@anthropic-ai/sdk', manual: main('Anthropic', '@anthropic-ai/sdk') },
  {
    name: `${OPENINFERENCE}langchain`,
    library: '@langchain/core',
    file: MANAGER,
    manual: whole('manager', '@langchain/core/callbacks/manager'),
  },
  {
    name: `${OPENINFERENCE}bedrock`,
    library: '@aws-sdk/client-bedrock-runtime',
    manual: whole('bedrock', '@aws-sdk/client-bedrock-runtime'),
  },
  {
    name: `${OPENINFERENCE}bedrock-agent-runtime`,
    library: '@aws-sdk/client-bedrock-agent-runtime',
    manual: whole('bedrockAgent', '@aws-sdk/client-bedrock-agent-runtime'),
  },
  {
    name: `${OPENINFERENCE}mcp`,
    library: '@modelcontextprotocol/sdk',
    file: '/client/stdio',
    manual: [`import * as clientStdioModule from '@modelcontextprotocol/sdk/client/stdio.js'`, '{ clientStdioModule }'],
  },
  { name: `${TRACELOOP}openai`, library: 'openai', manual: main('OpenAI', 'openai') },
  {
    name: `${TRACELOOP}anthropic`,
    library: '@anthropic-ai/sdk',
    broken: `it does not know @anthropic-ai/sdk 1.x. Use ${OPENINFERENCE}anthropic`,
  },
  { name: `${TRACELOOP}langchain`, library: '@langchain/core', file: MANAGER, nothing: 'it patches both formats itself when it is made' },
  {
    name: `${TRACELOOP}bedrock`,
    library: '@aws-sdk/client-bedrock-runtime',
    manual: whole('bedrock', '@aws-sdk/client-bedrock-runtime'),
  },
  { name: `${TRACELOOP}cohere`, library: 'cohere-ai', manual: whole('cohere', 'cohere-ai') },
  { name: `${TRACELOOP}llamaindex`, library: 'llamaindex', manual: whole('llamaindex', 'llamaindex') },
  {
    name: `${TRACELOOP}pinecone`,
    library: '@pinecone-database/pinecone',
    manual: whole('pinecone', '@pinecone-database/pinecone'),
  },
  { name: `${TRACELOOP}qdrant`, library: '@qdrant/js-client-rest', manual: whole('qdrant', '@qdrant/js-client-rest') },
  { name: `${TRACELOOP}chromadb`, library: 'chromadb', broken: 'it does not know chromadb 3.x. Trace the calls with traceFn()' },
  { name: `${TRACELOOP}together`, library: 'together-ai', manual: main('Together', 'together-ai') },
  { name: `${TRACELOOP}vertexai`, library: '@google-cloud/vertexai', manual: whole('vertexai', '@google-cloud/vertexai') },
  {
    name: `${TRACELOOP}mcp`,
    library: '@modelcontextprotocol/sdk',
    file: '/client/index',
    manual: [`import { Client } from '@modelcontextprotocol/sdk/client/index.js'`, '{ Client }'],
  },
  { name: `${OPENTELEMETRY}openai`, library: 'openai', hook: true },
  { name: `${OPENTELEMETRY}http`, library: 'node:http', hook: true },
  { name: `${OPENTELEMETRY}express`, library: 'express', hook: true },
  { name: `${OPENTELEMETRY}koa`, library: 'koa', hook: true },
  { name: `${OPENTELEMETRY}ioredis`, library: 'ioredis', hook: true },
  { name: `${OPENTELEMETRY}pino`, library: 'pino', hook: true, isUnmarked: true },
  { name: `${OPENTELEMETRY}nestjs-core`, library: '@nestjs/core', order: true },
  { name: `${OPENTELEMETRY}pg`, library: 'pg', order: true },
  { name: `${OPENTELEMETRY}redis`, library: 'redis', order: true },
  { name: `${OPENTELEMETRY}mysql2`, library: 'mysql2', order: true },
  { name: `${OPENTELEMETRY}mongodb`, library: 'mongodb', order: true },
  { name: `${OPENTELEMETRY}aws-sdk`, library: '@aws-sdk/client-bedrock-runtime', order: true },
  { name: `${OPENTELEMETRY}undici`, library: 'undici', nothing: 'it listens to a channel of diagnostics' },
  { name: '@fastify/otel', library: 'fastify', nothing: 'it is registered as a plugin' },
]

/** The line that an ES module writes; `undefined` where nothing is to be done, or nothing helps. */
export function writeLine({ name, manual, hook }: Instrumentor): string | undefined {
  if (manual !== undefined) return `${manual[0]}; instrumentation.manuallyInstrument(${manual[1]})`
  return hook === undefined ? undefined : `register('@opentelemetry/instrumentation/hook.mjs', import.meta.resolve('${name}'))`
}

/** What an ES module does so that this instrumentor works, with the line to write. */
export function describeRemedy(instrumentor: Instrumentor): string {
  const { broken, hook } = instrumentor
  if (broken !== undefined) return `Nothing helps: ${broken}.`
  const line = writeLine(instrumentor)
  if (line === undefined)
    return 'Import the file that makes the instrumentation before anything else, or start with `node --import ./setup.mjs`.'
  if (hook === undefined) return `Write \`${line}\`.`
  return `Write \`${line}\` into a file that also makes the instrumentation, once for all, and start with \`node --import ./setup.mjs\`.`
}

/** Instrumentations of the same library end in its name. */
export const INSTRUMENTATION: RegExp = /^(@[^/]+\/)?(?:openinference-)?(?:opentelemetry-)?instrumentation-(?<library>[a-z0-9-]+)$/

/** What is known of a package that instruments: itself, else those of the same library. */
export function findInstrumentors(name: string): readonly Instrumentor[] {
  const own = INSTRUMENTORS.filter((known) => known.name === name)
  const library = INSTRUMENTATION.exec(name)?.groups?.['library']
  if (own.length > 0 || library === undefined) return own
  return INSTRUMENTORS.filter((known) => known.name.endsWith(`instrumentation-${library}`) && known.broken === undefined)
}
