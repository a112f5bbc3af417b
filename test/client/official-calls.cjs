// Calls of npm's `honeyhive` 1.0.42 that the Python SDK does not have, in the order of OFFICIAL_CALLS in calls.ts.
const { HoneyHive } = require('honeyhive')

const client = new HoneyHive({ bearerAuth: process.env.HH_API_KEY, serverURL: process.env.HH_API_URL })
const calls = [
  () => client.session.getSession('00000000-0000-4000-8000-00000000005e'),
  () => client.projects.getProjects('one'),
  () => client.projects.createProject({ name: 'one', description: 'of all' }),
  () => client.projects.updateProject({ projectId: 'i1', name: 'two' }),
  () => client.projects.deleteProject('two'),
  () => client.tools.getTools(),
  () => client.tools.createTool({ task: 'one', name: 'lookup', parameters: { type: 'object' }, description: 'd', type: 'function' }),
  () => client.tools.updateTool({ id: 't1', name: 'find', parameters: { type: 'object' } }),
  () => client.tools.deleteTool('t1'),
]

async function main() {
  // The reply of the recorder is empty, which this client refuses; the request is what counts.
  for (const call of calls) await call().catch((error) => process.stdout.write(`${error.name}\n`))
  process.exit(0)
}

void main()
