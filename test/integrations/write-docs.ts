// Writes the tables of docs/integrations.md: npx tsx test/integrations/write-docs.ts
import { readFileSync, writeFileSync } from 'node:fs'
import { PAGE, renderPage } from './docs-table.js'

writeFileSync(PAGE, await renderPage(readFileSync(PAGE, 'utf8')))
