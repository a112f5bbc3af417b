/** What users import, and the source file behind it. */
export interface EntryPoint {
  readonly specifier: string
  readonly file: string
}

export const entryPoints: readonly EntryPoint[] = [
  { specifier: 'honeyhive-tracer', file: 'src/index.ts' },
  { specifier: 'honeyhive-tracer/experiments', file: 'src/experiments/index.ts' },
  { specifier: 'honeyhive-tracer/express', file: 'src/middleware/express.ts' },
  { specifier: 'honeyhive-tracer/fastify', file: 'src/middleware/fastify.ts' },
  { specifier: 'honeyhive-tracer/fetch', file: 'src/middleware/fetch.ts' },
  { specifier: 'honeyhive-tracer/lambda', file: 'src/middleware/lambda.ts' },
  { specifier: 'honeyhive-tracer/testing', file: 'src/testing/index.ts' },
  { specifier: 'honeyhive-tracer/dev', file: 'src/dev/server.ts' },
]
