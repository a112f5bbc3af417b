/**
 * Starts the local server, runs the application of `app.ts` against it, and prints what arrived in each project. Leaves nothing
 * behind, unless it is told to keep the database: `npm run demo -- --keep`.
 */
import { rm } from 'node:fs/promises'
import { type DevServer, startDevServer } from 'honeyhive-tracer/dev'
import { startApp } from './app.js'
import { startModelServer } from './model-server.js'
import { printProjects } from './print.js'

const PROJECTS = ['customer-api', 'admin-tools', 'canary-deployment', 'ab-test-control', 'ab-test-variant-a', 'ab-test-variant-b']
const apiKey = (project: string): string => `local-key-of-${project}`

const KEPT = '.honeyhive/demo.db'
const isKept = process.argv.includes('--keep')
if (isKept) for (const part of ['', '-wal', '-shm']) await rm(`${KEPT}${part}`, { force: true })
const server: DevServer = await startDevServer({
  port: 0,
  database: isKept ? KEPT : ':memory:',
  projects: Object.fromEntries(PROJECTS.map((project) => [project, apiKey(project)])),
})
const models = await startModelServer()
const app = await startApp({ serverUrl: server.url, modelUrl: models.url, apiKey })

const post = async (path: string, body: object, headers: Record<string, string> = {}): Promise<void> => {
  const response = await fetch(`${app.url}${path}`, { method: 'POST', body: JSON.stringify(body), headers })
  if (!response.ok) throw new Error(`${path} answered ${response.status}: ${await response.text()}`)
}
// Concurrently, so that the tracers are nested and interleaved in one process.
await Promise.all([
  post('/api/chat', { message: 'Where is my order?', user_id: 'ada' }, { 'x-request-id': 'r-1' }),
  post('/api/chat', { message: 'Please cancel it.', user_id: 'grace' }, { 'x-request-id': 'r-2' }),
  post('/api/chat', { message: 'Do you ship to Rome?', user_id: 'linus' }, { 'x-request-id': 'r-3', 'x-canary-user': 'true' }),
  post('/api/chat', { message: 'Thank you!', user_id: 'margaret' }, { 'x-request-id': 'r-4' }),
  post('/admin/analyze', { data: 'returns of last week', admin: 'root' }),
])
const isDelivered = await app.close()
await models.close()

const isComplete = printProjects(server, PROJECTS)
console.log(`\nTo look at it in the page:\n\n${isKept ? '' : '  npm run demo -- --keep\n'}  npm run dev -- --db ${KEPT} --open\n`)
await server.close()
if (!isDelivered || !isComplete) process.exitCode = 1
