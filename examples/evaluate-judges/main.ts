/** Rows from a CSV file, outputs that must follow a JSON Schema, an edit distance and a scorer of `autoevals`. */
import { Levenshtein } from 'autoevals'
import { evaluate, fromAutoevals, fromCsv, jsonSchema, levenshtein } from 'honeyhive-tracer/experiments'

const answers: Readonly<Record<string, string>> = { France: 'Paris', Italy: 'Rome', Spain: 'Madrit' }
const capital = ({ outputs }: { readonly outputs: { readonly capital: string } }): string => outputs.capital

const result = await evaluate({
  name: 'capitals from a file',
  dataset: fromCsv(new URL('capitals.csv', import.meta.url)),
  function: ({ inputs }) => ({ capital: answers[inputs['country'] ?? ''] ?? 'unknown' }),
  evaluators: {
    shape: jsonSchema({ type: 'object', required: ['capital'], properties: { capital: { type: 'string', minLength: 2 } } }),
    distance: levenshtein({ select: (outputs) => (outputs as { readonly capital: string }).capital }),
    autoevals: fromAutoevals(Levenshtein, {
      args: (row: { readonly outputs: { readonly capital: string }; readonly inputs: unknown; readonly groundTruth: unknown }) => ({
        output: capital(row),
        expected: row.groundTruth,
      }),
    }),
  },
  thresholds: { shape: 1, distance: 0.8, autoevals: 0.8 },
  progress: false,
})
process.exitCode = result.passed ? 0 : 1
