// The handler of honeyhive-tracer/langchain, with LangChain's own default: callbacks in the background. The control is OpenInference's
// instrumentor, whose callbacks must wait, or their context would be that of another request.
import { LangChainInstrumentation } from '@arizeai/openinference-instrumentation-langchain'
import * as callbackManager from '@langchain/core/callbacks/manager'
import { ChatPromptTemplate } from '@langchain/core/prompts'
import { MessagesAnnotation, START, StateGraph } from '@langchain/langgraph'
import { ToolNode, toolsCondition } from '@langchain/langgraph/prebuilt'
import { ChatOpenAI } from '@langchain/openai'
import { getActiveTracer } from 'honeyhive-tracer'
import { createLangChainHandler } from 'honeyhive-tracer/langchain'
import { createAgent, tool } from 'langchain'
import { z } from 'zod'

const isControl = process.env.SIDE === 'plain'
if (isControl) process.env.LANGCHAIN_CALLBACKS_BACKGROUND = 'false'
const instrumentation = new LangChainInstrumentation()
export const instrumentations = isControl ? [instrumentation] : []

export function setup({ url }) {
  if (isControl) instrumentation.manuallyInstrument(callbackManager)
  const withHandler = (config = {}) => (isControl ? config : { ...config, callbacks: [createLangChainHandler(getActiveTracer())] })
  const modelOf = (model, options) =>
    new ChatOpenAI({ apiKey: 'key', model, maxRetries: 0, configuration: { baseURL: `${url}/v1` }, ...options })
  const prompt = ChatPromptTemplate.fromTemplate('{text}')
  const getWeather = tool(({ city }) => ({ weather: city }), {
    name: 'get_weather',
    description: 'Weather of a city',
    schema: z.object({ city: z.string() }),
  })
  const askedOf = (question) => ({ messages: [{ role: 'user', content: question }] })
  const graphOf = (model) =>
    new StateGraph(MessagesAnnotation)
      .addNode('model', async ({ messages }) => ({ messages: [await modelOf(model).bindTools([getWeather]).invoke(messages)] }))
      .addNode('tools', new ToolNode([getWeather]))
      .addEdge(START, 'model')
      .addConditionalEdges('model', toolsCondition)
      .addEdge('tools', 'model')
      .compile()
  const agentOf = (model) => createAgent({ model: modelOf(model), tools: [getWeather] })
  return {
    chat: ({ text, model }) => prompt.pipe(modelOf(model)).invoke({ text }, withHandler()),
    stream: ({ text, model, signal }) => prompt.pipe(modelOf(model)).stream({ text }, withHandler({ signal })),
    streamEvents: ({ text, model }) => prompt.pipe(modelOf(model)).streamEvents({ text }, withHandler({ version: 'v2' })),
    batch: ({ text, model }) => modelOf(model).batch([text, `${text}!`], withHandler()),
    structured: ({ text, model }) =>
      modelOf(model)
        .withStructuredOutput(z.object({ answer: z.string() }), { name: 'answer' })
        .invoke(text, withHandler()),
    responses: ({ text, model }) => modelOf(model, { useResponsesApi: true }).invoke(text, withHandler()),
    agent: ({ question, model }) => agentOf(model).invoke(askedOf(question), withHandler()),
    agentStream: ({ question, model }) => agentOf(model).stream(askedOf(question), withHandler({ streamMode: 'updates' })),
    messagesStream: ({ question, model }) => agentOf(model).stream(askedOf(question), withHandler({ streamMode: 'messages' })),
    graph: ({ question, model }) => graphOf(model).invoke(askedOf(question), withHandler()),
    graphStream: ({ question, model }) => graphOf(model).stream(askedOf(question), withHandler()),
  }
}
