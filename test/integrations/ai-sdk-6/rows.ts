import { createRow } from '../ai-sdk-rows.js'

export const rows = [createRow()]
