import type { JsonObject } from '../json.js'
import { aiSdkParts } from './ai-sdk.js'
import { anthropicMessages } from './anthropic.js'
import { bedrockConverse } from './bedrock.js'
import { cohereChat } from './cohere.js'
import { geminiAnswers } from './gemini.js'
import { langChainChunks } from './langchain.js'
import type { ChunkFormat } from './merger.js'
import { ollamaAnswers } from './ollama.js'
import { openAiChat } from './openai-chat.js'
import { openAiResponses } from './openai-responses.js'

const FORMATS: readonly ChunkFormat[] = [
  openAiChat,
  openAiResponses,
  anthropicMessages,
  aiSdkParts,
  geminiAnswers,
  langChainChunks,
  bedrockConverse,
  cohereChat,
  ollamaAnswers,
]

/** The format of a stream that begins with `chunk`; `undefined` when it is none that is known. */
export function findChunkFormat(chunk: JsonObject): ChunkFormat | undefined {
  return FORMATS.find((format) => format.begins(chunk))
}
