/**
 * The clients of an application, each made once for the whole process: functions that give promises, and functions that call back.
 * The connections are fewer than the requests. A database that is not there is left out.
 */
export async function createClients({ load, service, databases, logs }) {
  const http = await load('node:http')
  const { Agent, request } = await load('undici')
  const { Pool } = await load('pg')
  const { Redis } = await load('ioredis')
  const { pino } = await load('pino')
  const logger = pino({ base: null }, { write: (line) => logs.push(JSON.parse(line)) })
  const agent = new http.Agent({ keepAlive: true, maxSockets: 2 })
  const dispatcher = new Agent()
  const pool = databases.postgres === undefined ? undefined : new Pool({ connectionString: databases.postgres, max: 2 })
  const redis = databases.redis === undefined ? undefined : new Redis(databases.redis)
  const url = (name, marker) => `${service}/${name}/${marker}`
  const select = (marker) => ({ text: 'SELECT $1::text AS marker', values: [marker] })

  function get(marker, done) {
    const asked = http.get(url('http', marker), { agent }, (response) => {
      let text = ''
      response.setEncoding('utf8')
      response.on('data', (chunk) => {
        text += chunk
      })
      response.on('end', () => done(undefined, JSON.parse(text)))
    })
    asked.on('error', done)
  }

  const promises = {
    fetch: (marker) => fetch(url('fetch', marker)).then((response) => response.json()),
    undici: (marker) => request(url('undici', marker), { dispatcher }).then(({ body }) => body.json()),
    http: (marker) => new Promise((resolve, reject) => get(marker, (error, headers) => (error ? reject(error) : resolve(headers)))),
    pg: pool && ((marker) => pool.query(select(marker)).then(({ rows }) => rows[0])),
    ioredis: redis && ((marker) => redis.set(`key-${marker}`, marker)),
  }
  const callbacks = {
    http: get,
    pg: pool && ((marker, done) => pool.query(select(marker), done)),
    ioredis: redis && ((marker, done) => redis.set(`key-${marker}`, marker, done)),
  }
  const present = (functions) => Object.entries(functions).filter(([, run]) => run !== undefined)
  return {
    logger,
    promises: present(promises),
    callbacks: present(callbacks),
    async close() {
      await Promise.all([pool?.end(), redis?.quit(), dispatcher.close()])
      agent.destroy()
    },
  }
}
