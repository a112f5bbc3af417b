/** A small model server that speaks OpenAI's protocol on loopback: it answers with an echo of what it was asked. */
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'

interface ChatRequest {
  readonly model: string
  readonly messages: readonly { readonly role: string; readonly content: string }[]
}

/** Starts it on a free port; `url` is what an OpenAI client takes as `baseURL`. */
export async function startModelServer(): Promise<{ url: string; close(): Promise<void> }> {
  const server = createServer((request, response) => {
    let text = ''
    request.on('data', (chunk: Buffer) => {
      text += chunk.toString()
    })
    request.on('end', () => {
      response.setHeader('content-type', 'application/json')
      response.end(JSON.stringify(answer(JSON.parse(text) as ChatRequest)))
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', resolve))
  return {
    url: `http://127.0.0.1:${(server.address() as AddressInfo).port}/v1`,
    close() {
      server.closeAllConnections()
      return new Promise((resolve) => server.close(() => resolve()))
    },
  }
}

function answer({ model, messages }: ChatRequest): object {
  const content = `You said: ${messages.at(-1)?.content ?? 'nothing'}`
  const promptTokens = messages.reduce((sum, message) => sum + countWords(message.content), 0)
  const completionTokens = countWords(content)
  return {
    id: 'chatcmpl-local',
    object: 'chat.completion',
    created: Math.floor(Date.now() / 1000),
    model,
    choices: [{ index: 0, finish_reason: 'stop', message: { role: 'assistant', content } }],
    usage: { prompt_tokens: promptTokens, completion_tokens: completionTokens, total_tokens: promptTokens + completionTokens },
  }
}

function countWords(text: string): number {
  return text.split(/\s+/).length
}
