import type { Reporter, TestSuite } from 'vitest/node'

/** Prints a line per row when the last of its tests is done. */
export default class RowReporter implements Reporter {
  onTestSuiteResult(suite: TestSuite): void {
    const tests = [...suite.children.allTests()]
    const failed = tests.filter((test) => test.result().state === 'failed')
    const skipped = tests.filter((test) => test.result().state === 'skipped')
    if (tests.length > 0 && skipped.length === tests.length) return void process.stdout.write(`--     ${suite.name}: ${tests[0]?.name}\n`)
    const result = failed.length === 0 ? `${tests.length} right` : `${failed.length} of ${tests.length} wrong`
    process.stdout.write(`${failed.length === 0 ? 'ok    ' : 'FAILED'} ${suite.name}: ${result}\n`)
  }
}
