// What an application asks of LangChain, the same for every instrumentor.
import { ChatPromptTemplate } from '@langchain/core/prompts'
import { MessagesAnnotation, START, StateGraph } from '@langchain/langgraph'
import { ToolNode, toolsCondition } from '@langchain/langgraph/prebuilt'
import { ChatOpenAI, OpenAIEmbeddings } from '@langchain/openai'
import { createAgent, tool } from 'langchain'
import { z } from 'zod'

/** The calls, against the models at `url`. */
export function createCases({ url, traced }) {
  const modelOf = (model, options) =>
    new ChatOpenAI({ apiKey: 'key', model, maxRetries: 0, configuration: { baseURL: `${url}/v1` }, ...options })
  const prompt = ChatPromptTemplate.fromTemplate('{text}')
  const getWeather = tool(
    traced('look up', ({ city }) => ({ weather: city })),
    { name: 'get_weather', description: 'Weather of a city', schema: z.object({ city: z.string() }) },
  )
  const askedOf = (question) => ({ messages: [{ role: 'user', content: question }] })
  const graphOf = (model) =>
    new StateGraph(MessagesAnnotation)
      .addNode('model', async ({ messages }) => ({ messages: [await modelOf(model).bindTools([getWeather]).invoke(messages)] }))
      .addNode('tools', new ToolNode([getWeather]))
      .addEdge(START, 'model')
      .addConditionalEdges('model', toolsCondition)
      .addEdge('tools', 'model')
      .compile()
  return {
    chat: ({ text, model }) => prompt.pipe(modelOf(model)).invoke({ text }),
    stream: ({ text, model, signal }) => prompt.pipe(modelOf(model)).stream({ text }, { signal }),
    batch: ({ text, model }) => modelOf(model).batch([text, `${text}!`]),
    structured: ({ text, model }) =>
      modelOf(model)
        .withStructuredOutput(z.object({ answer: z.string() }), { name: 'answer' })
        .invoke(text),
    responses: ({ text, model }) => modelOf(model, { useResponsesApi: true }).invoke(text),
    agent: ({ question, model }) => createAgent({ model: modelOf(model), tools: [getWeather] }).invoke(askedOf(question)),
    agentStream: ({ question, model }) =>
      createAgent({ model: modelOf(model), tools: [getWeather] }).stream(askedOf(question), { streamMode: 'updates' }),
    graph: ({ question, model }) => graphOf(model).invoke(askedOf(question)),
    graphStream: ({ question, model }) => graphOf(model).stream(askedOf(question)),
    embeddings: ({ text, model }) =>
      new OpenAIEmbeddings({ apiKey: 'key', model, maxRetries: 0, configuration: { baseURL: `${url}/v1` } }).embedQuery(text),
  }
}
