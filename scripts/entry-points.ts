import { existsSync } from 'node:fs'

/** What users import, by its key in the manifest's "exports", and the source file behind it. The build and its tests read this list. */
const SOURCES: Readonly<Record<string, string>> = {
  '.': 'src/index.ts',
  './experiments': 'src/experiments/index.ts',
  './express': 'src/middleware/express.ts',
  './fastify': 'src/middleware/fastify.ts',
  './fetch': 'src/middleware/fetch.ts',
  './lambda': 'src/middleware/lambda.ts',
  './testing': 'src/testing/index.ts',
  './dev': 'src/dev/server.ts',
  './otel': 'src/integrations/otel.ts',
  './langchain': 'src/integrations/langchain.ts',
  './client': 'src/client/index.ts',
  './compat': 'src/compat/index.ts',
}

/** One module that users import. */
export interface EntryPoint {
  /** Key in the manifest's "exports". */
  readonly key: string
  /** What stands in the user's import. */
  readonly specifier: string
  /** Name of its files in `dist`, without extension. */
  readonly name: string
  /** Its source, relative to the repository. */
  readonly file: string
}

/** Every entry point whose source exists. */
export const entryPoints: readonly EntryPoint[] = Object.entries(SOURCES)
  .filter(([, file]) => existsSync(new URL(`../${file}`, import.meta.url)))
  .map(([key, file]) => ({ key, specifier: key.replace('.', 'honeyhive-tracer'), name: key === '.' ? 'index' : key.slice(2), file }))
