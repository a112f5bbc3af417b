import type { Row } from '../row.js'
import { anthropicRows } from './anthropic-rows.js'
import { bedrockRows } from './bedrock-rows.js'
import { googleRows } from './google-rows.js'
import { openAiRows } from './openai-rows.js'

export const rows: readonly Row[] = [...openAiRows, ...anthropicRows, ...bedrockRows, ...googleRows]
