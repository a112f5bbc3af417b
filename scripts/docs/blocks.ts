import { readFileSync } from 'node:fs'
import { join, resolve } from 'node:path'

/** The repository. */
export const root: string = resolve(import.meta.dirname, '../..')

/** What stands in a fence of a page. */
export interface Block {
  /** Its page, relative to the repository. */
  readonly page: string
  /** Line of the fence, from 1. */
  readonly line: number
  readonly language: string
  readonly text: string
  /** File that the sentence before it gives it to: "Save this as `app.mjs`". */
  readonly fileName: string | undefined
  /** What the comment before it says: `<!-- not run: why -->`. */
  readonly mark: Mark | undefined
}

/** How a block is told apart from those that are run here. */
export interface Mark {
  /** `until stopped`: it is run, and serves until it is stopped. `in`: the suite of that folder runs it. `not`: nobody runs it. */
  readonly kind: 'in' | 'not' | 'until stopped'
  /** The folder, or the reason. */
  readonly words: string
}

/** Something a page says that is not so. */
export interface Problem {
  readonly page: string
  readonly line: number
  readonly text: string
}

const FENCE = /^(\s*)(`{3,}|~{3,})(\S*)/
const FILE_NAME = /(?:[Ss]ave (?:this|it) as|[Tt]he file) `([\w.-]+)`[^`]*$/

/** The blocks of a page, in their order. */
export function readBlocks(page: string): readonly Block[] {
  const lines = readFileSync(join(root, page), 'utf8').split('\n')
  const blocks: Block[] = []
  for (let at = 0; at < lines.length; at++) {
    const open = FENCE.exec(lines[at] ?? '')
    if (open === null) continue
    const [, indent = '', fence = '', language = ''] = open
    const end = lines.findIndex((text, index) => index > at && text.trim() === fence)
    const until = end < 0 ? lines.length : end
    const text = lines
      .slice(at + 1, until)
      .map((line) => line.slice(indent.length))
      .join('\n')
    const before = lines.slice(0, at).filter((line) => line.trim() !== '')
    const mark = toMark(before.at(-1) ?? '')
    const sentence = before.slice(mark === undefined ? -2 : -3, mark === undefined ? undefined : -1).join(' ')
    blocks.push({ page, line: at + 1, language, text: `${text}\n`, fileName: FILE_NAME.exec(sentence)?.[1], mark })
    at = until
  }
  return blocks
}

function toMark(line: string): Mark | undefined {
  const [, folder] = /^\s*<!-- runs in ([\w-]+)(?:, \w+)* -->$/.exec(line) ?? []
  if (folder !== undefined) return { kind: 'in', words: folder }
  const [, reason] = /^\s*<!-- not run: (.+) -->$/.exec(line) ?? []
  if (reason !== undefined) return { kind: 'not', words: reason }
  return /^\s*<!-- runs until stopped -->$/.test(line) ? { kind: 'until stopped', words: '' } : undefined
}

/** Whether a block is a program. */
export function isProgram({ language }: Block): boolean {
  return isTypeScript(language) || ['js', 'javascript', 'mjs', 'cjs', 'jsx'].includes(language)
}

/** Whether the fence says TypeScript. */
export function isTypeScript(language: string): boolean {
  return ['ts', 'typescript', 'tsx', 'mts'].includes(language)
}
