import { readdirSync, readFileSync } from 'node:fs'
import { join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { describe, expect, it } from 'vitest'
import { areAllTrue, outcomesOf } from '../src/builtins.js'

const root = fileURLToPath(new URL('../src', import.meta.url))
/** The page runs in a browser, a command in a process of its own. */
const OWN_WORLD = /^(dev[\\/]page([\\/]|-bundle)|cli[\\/]|(builtins|natives)\.ts$)/
const NAMES = ['setTimeout', 'clearTimeout', 'setInterval', 'clearInterval', 'setImmediate', 'clearImmediate', 'queueMicrotask']

const files = readdirSync(root, { recursive: true, encoding: 'utf8' }).filter((file) => file.endsWith('.ts') && !OWN_WORLD.test(file))

/** The code without its comments. */
function readCode(file: string): string {
  return readFileSync(join(root, file), 'utf8').replace(/\/\*[\s\S]*?\*\/|(?<!:)\/\/.*$/gm, '')
}

describe('functions that hosts replace', () => {
  it.each(NAMES)('%s is the one of when the package was loaded, everywhere', (name) => {
    const wrong = files.filter((file) => {
      const code = readCode(file)
      return (
        new RegExp(`(?<![\\w.])${name}\\(`).test(code) &&
        !new RegExp(`import \\{[^}]*\\b${name}\\b[^}]*\\} from '[./]*builtins\\.js'`).test(code)
      )
    })
    expect(wrong).toEqual([])
  })

  it.each([/\bDate\.now\b/, /\bperformance\.now\b/, /'node:timers(\/promises)?'/, /new Date\(\)/])('%s stands nowhere else', (pattern) => {
    expect(files.filter((file) => pattern.test(readCode(file)))).toEqual([])
  })

  it.each([/\bJSON\.(stringify|parse)\b/, /\bnew Promise\b/, /(?<![\w.])Promise\.(all|race|resolve|reject|allSettled)\(/])(
    '%s stands nowhere in a tracer',
    (pattern) => {
      const tracing = files.filter((file) => !/^(dev|experiments)[\\/]/.test(file))
      expect(tracing.filter((file) => pattern.test(readCode(file)))).toEqual([])
    },
  )
})

describe('several promises', () => {
  const failed = new Error('failed')
  const failing = (): Promise<boolean> => Promise.reject(failed)

  it('are all true, or one is not, or one failed, which is told once all have ended', async () => {
    expect(await areAllTrue([])).toBe(true)
    expect(await areAllTrue([true, Promise.resolve(true)])).toBe(true)
    expect(await areAllTrue([Promise.resolve(true), false])).toBe(false)
    await expect(areAllTrue([Promise.resolve(false), failing()])).rejects.toBe(failed)
  })

  it('tell their outcomes in order', async () => {
    expect(await outcomesOf<number | boolean>([Promise.resolve(1), failing(), 3])).toEqual([
      { status: 'fulfilled', value: 1 },
      { status: 'rejected', reason: failed },
      { status: 'fulfilled', value: 3 },
    ])
  })
})
