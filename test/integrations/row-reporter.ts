import type { Reporter, TestSuite } from 'vitest/node'

/** Prints a line per row when the last of its tests is done. */
export default class RowReporter implements Reporter {
  onTestSuiteResult(suite: TestSuite): void {
    const states = [...suite.children.allTests()].map((test) => test.result().state).filter((state) => state !== 'skipped')
    if (states.length === 0) return
    const failed = states.filter((state) => state === 'failed').length
    const result = failed === 0 ? `${states.length} right` : `${failed} of ${states.length} wrong`
    process.stdout.write(`${failed === 0 ? 'ok    ' : 'FAILED'} ${suite.name}: ${result}\n`)
  }
}
