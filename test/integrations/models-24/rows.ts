import { googleRows } from '../models/google-rows.js'
import { openAi7Rows } from '../models/openai-rows.js'
import type { Row } from '../row.js'

export const rows: readonly Row[] = [
  ...openAi7Rows,
  ...googleRows.filter(({ format }) => format === 'esm').map((row) => ({ ...row, node: '24' as const })),
]
