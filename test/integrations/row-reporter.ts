import type { Reporter, TestSuite } from 'vitest/node'

/** Prints a line per row when the last of its tests is done. */
export default class RowReporter implements Reporter {
  onTestSuiteResult(suite: TestSuite): void {
    const tests = [...suite.children.allTests()]
    const failed = tests.filter((test) => test.result().state === 'failed')
    const skipped = tests.map((test) => test.result()).filter(({ state }) => state === 'skipped')
    if (skipped.length === tests.length) {
      // Only who skips by itself says why; rows that were not asked for say nothing.
      const [{ note } = {}] = skipped as readonly { readonly note?: string | undefined }[]
      if (note !== undefined) process.stdout.write(`--     ${suite.name}: ${note}\n`)
      return
    }
    const result = failed.length === 0 ? `${tests.length} right` : `${failed.length} of ${tests.length} wrong`
    process.stdout.write(`${failed.length === 0 ? 'ok    ' : 'FAILED'} ${suite.name}: ${result}\n`)
  }
}
