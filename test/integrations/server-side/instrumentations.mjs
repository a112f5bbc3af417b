const packages = {
  http: ['@opentelemetry/instrumentation-http', 'HttpInstrumentation'],
  undici: ['@opentelemetry/instrumentation-undici', 'UndiciInstrumentation'],
  express: ['@opentelemetry/instrumentation-express', 'ExpressInstrumentation'],
  fastify: ['@fastify/otel', 'FastifyOtelInstrumentation'],
  koa: ['@opentelemetry/instrumentation-koa', 'KoaInstrumentation'],
  nest: ['@opentelemetry/instrumentation-nestjs-core', 'NestInstrumentation'],
  pg: ['@opentelemetry/instrumentation-pg', 'PgInstrumentation'],
  ioredis: ['@opentelemetry/instrumentation-ioredis', 'IORedisInstrumentation'],
  pino: ['@opentelemetry/instrumentation-pino', 'PinoInstrumentation'],
}

const frameworks = { http: [], express: ['express'], koa: ['koa'], fastify: ['fastify'], nest: ['express', 'nest'] }

/** The instrumentations of an application in `framework`, by name. */
export async function createInstrumentations(load, framework) {
  const names = ['http', 'undici', 'pg', 'ioredis', 'pino', ...frameworks[framework]]
  const entries = names.map(async (name) => {
    const [from, exported] = packages[name]
    const loaded = await load(from)
    return [name, new (loaded[exported] ?? loaded.default[exported])()]
  })
  return Object.fromEntries(await Promise.all(entries))
}
