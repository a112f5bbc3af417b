import { createAiSdkRow, MAJOR_5 } from '../ai-sdk-rows.js'
import type { Row } from '../row.js'

export const rows: readonly Row[] = [createAiSdkRow(MAJOR_5)]
