// Test environments that stand in for a browser have other globals than Node.
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { installPlace, type Place } from './place.js'

let place: Place

beforeAll(async () => {
  place = await installPlace('jest')
})
afterAll(() => place.remove())

describe('in jsdom every entry loads and a tracer delivers', () => {
  test.for([
    ['Jest', ['node_modules/jest/bin/jest.js', '--ci', 'jsdom.test.js']],
    ['vitest', ['node_modules/vitest/vitest.mjs', 'run', 'jsdom.spec.mjs']],
  ] as const)('under %s', async ([, args]) => {
    const [program = '', ...rest] = args
    const { code, stdout, stderr } = await place.run([join(place.folder, program), ...rest])
    expect(code, stdout + stderr).toBe(0)
    expect(stdout + stderr).toMatch(/Tests:? +1\d passed/)
  })
})
