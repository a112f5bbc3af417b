import { createAiSdkRow } from '../ai-sdk-rows.js'
import type { Row } from '../row.js'

export const rows: readonly Row[] = [createAiSdkRow()]
