/**
 * A web application with several tracers: a customer API and admin tools, three arms of an experiment, and a canary that a
 * header chooses. One OpenAI client and one instrumentor serve them all.
 */
import { createServer, type IncomingMessage, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { OpenAIInstrumentation } from '@arizeai/openinference-instrumentation-openai'
import { enrichSpan, EventType, HoneyHiveTracer, shutdownAll, trace } from 'honeyhive-tracer'
import OpenAI from 'openai'

/** A running application. */
export interface App {
  readonly url: string
  /** Delivers what is pending and stops. */
  close(): Promise<boolean>
}

/** Where the application finds its server and its model; the key of each project comes from its environment. */
export interface AppSettings {
  readonly serverUrl: string
  readonly modelUrl: string
  readonly apiKey: (project: string) => string
}

const VARIANTS = {
  control: 'You are a helpful assistant.',
  'variant-a': 'You are a friendly and enthusiastic assistant!',
  'variant-b': 'You are a professional and concise assistant.',
} as const
type Variant = keyof typeof VARIANTS

/** Starts the application on a free port. */
export async function startApp({ serverUrl, modelUrl, apiKey }: AppSettings): Promise<App> {
  const init = (project: string, source: string): HoneyHiveTracer =>
    HoneyHiveTracer.init({ project, source, serverUrl, apiKey: apiKey(project) })
  const api = init('customer-api', 'production')
  const admin = init('admin-tools', 'production')
  const canary = init('canary-deployment', 'canary')
  const arms = {
    control: init('ab-test-control', 'experiment'),
    'variant-a': init('ab-test-variant-a', 'experiment'),
    'variant-b': init('ab-test-variant-b', 'experiment'),
  }

  const instrumentation = new OpenAIInstrumentation()
  instrumentation.setTracerProvider(api.provider)
  instrumentation.manuallyInstrument(OpenAI)
  const client = new OpenAI({ apiKey: 'sk-local', baseURL: modelUrl })

  const ask = async (model: string, system: string, user: string): Promise<string> => {
    const reply = await client.chat.completions.create({
      model,
      messages: [
        { role: 'system', content: system },
        { role: 'user', content: user },
      ],
    })
    return reply.choices[0]?.message.content ?? ''
  }

  // No tracer named: it records on whoever handles the request.
  const lookUpOrder = trace({ eventName: 'lookUpOrder' })(async (userId: string) => ({ userId, orders: 2 }))

  class Routes {
    static chat(request: IncomingMessage, body: { message: string; user_id: string }): Promise<string> {
      const chosen = request.headers['x-canary-user'] === 'true' ? canary : api
      const handle = trace({ tracer: chosen, eventType: EventType.chain, eventName: 'POST /api/chat' })(
        async ({ message, user_id }: typeof body) => {
          enrichSpan({ endpoint: '/api/chat', user_id, request_id: request.headers['x-request-id'] })
          const { orders } = await lookUpOrder(user_id)
          const arm = Routes.variantOf(user_id)
          return Routes.answer(arm, `${message} (${orders} orders)`)
        },
      )
      return chosen.withSession({ sessionName: `chat of ${body.user_id}` }, () => handle(body))
    }

    static answer(variant: Variant, prompt: string): Promise<string> {
      const generate = trace({ tracer: arms[variant], eventType: EventType.chain, eventName: 'generate' })(async (text: string) => {
        enrichSpan({ ab_variant: variant, experiment: 'prompt_tone_test' })
        return ask('gpt-3.5-turbo', VARIANTS[variant], text)
      })
      return generate(prompt)
    }

    static variantOf(userId: string): Variant {
      const names = Object.keys(VARIANTS) as Variant[]
      const hash = [...userId].reduce((sum, letter) => sum + letter.charCodeAt(0), 0)
      return names[hash % names.length] ?? 'control'
    }

    @trace({ tracer: admin, eventType: EventType.tool, eventName: 'POST /admin/analyze' })
    static async analyze(body: { data: string; admin: string }): Promise<string> {
      enrichSpan({ endpoint: '/admin/analyze', admin_user: body.admin })
      return ask('gpt-4', 'You are an analyst.', `Analyze: ${body.data}`)
    }
  }

  const server = createServer((request, response) => {
    void readBody(request)
      .then((body) => (request.url === '/api/chat' ? Routes.chat(request, body) : Routes.analyze(body)))
      .then((answer) => response.end(JSON.stringify({ answer })))
      .catch((error: Error) => response.writeHead(500).end(error.message))
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close: () => stop(server) }
}

async function readBody(request: IncomingMessage): Promise<never> {
  const chunks: Buffer[] = []
  for await (const chunk of request) chunks.push(chunk as Buffer)
  return JSON.parse(Buffer.concat(chunks).toString()) as never
}

async function stop(server: Server): Promise<boolean> {
  server.closeAllConnections()
  await new Promise((resolve) => server.close(resolve))
  return shutdownAll()
}
