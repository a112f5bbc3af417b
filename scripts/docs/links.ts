import { existsSync, readFileSync } from 'node:fs'
import { dirname, join } from 'node:path'
import { checkCommands } from './commands.js'
import { type Problem, root } from './blocks.js'

interface Line {
  readonly line: number
  readonly text: string
  readonly isCode: boolean
}

const scripts: Readonly<Record<string, string>> = JSON.parse(readFileSync(join(root, 'package.json'), 'utf8')).scripts

/** Links and anchors that lead nowhere; files, npm scripts and commands that do not exist. */
export function checkNames(page: string): readonly Problem[] {
  return readLines(page).flatMap(({ line, text, isCode }) => {
    const found = isCode ? [...checkScripts(text), ...checkCommands(text)] : checkProse(page, text)
    return found.map((words) => ({ page, line, text: words }))
  })
}

function readLines(page: string): readonly Line[] {
  let fence: string | undefined
  return readFileSync(join(root, page), 'utf8')
    .split('\n')
    .map((text, index) => {
      const [, mark] = /^\s*(`{3,}|~{3,})\S*/.exec(text) ?? []
      if (mark === undefined) return { line: index + 1, text, isCode: fence !== undefined }
      if (fence === undefined) fence = mark
      else if (fence === mark) fence = undefined
      return { line: index + 1, text: '', isCode: true }
    })
}

function checkProse(page: string, text: string): readonly string[] {
  const links = [...text.replace(/`[^`]*`/g, '').matchAll(/\]\(\s*<?([^)\s>]+)>?[^)]*\)/g)].flatMap(([, target = '']) =>
    checkLink(page, target),
  )
  const codes = [...text.matchAll(/`([^`]+)`/g)].flatMap(([, code = '']) => checkCode(code))
  return [...links, ...codes]
}

function checkLink(page: string, target: string): readonly string[] {
  if (/^[a-z][a-z0-9+.-]*:/i.test(target)) return []
  const [path, anchor] = target.split('#')
  const wanted = path ? join(root, dirname(page), decodeURIComponent(path)) : join(root, page)
  if (!existsSync(wanted)) return [`the link ${target} leads nowhere`]
  return anchor && wanted.endsWith('.md') && !anchorsOf(wanted).has(anchor) ? [`the link ${target} names no heading there`] : []
}

function anchorsOf(path: string): ReadonlySet<string> {
  const anchors = new Set<string>()
  const seen = new Map<string, number>()
  let fenced = false
  for (const line of readFileSync(path, 'utf8').split('\n')) {
    if (/^\s*(```|~~~)/.test(line)) fenced = !fenced
    for (const [, id = ''] of line.matchAll(/<a (?:id|name)="([^"]+)"/g)) anchors.add(id)
    const [, heading] = (fenced ? null : /^#{1,6}\s+(.*?)\s*#*$/.exec(line)) ?? []
    if (heading === undefined) continue
    const slug = toSlug(heading)
    const count = seen.get(slug) ?? 0
    seen.set(slug, count + 1)
    anchors.add(count === 0 ? slug : `${slug}-${count}`)
  }
  return anchors
}

function toSlug(heading: string): string {
  return heading
    .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
    .replace(/[`*]/g, '')
    .toLowerCase()
    .replace(/[^\p{L}\p{N}_ -]/gu, '')
    .replaceAll(' ', '-')
}

function checkCode(code: string): readonly string[] {
  const [, path] = /^(?:\.\/)?((?:src|test|docs|examples|scripts|bench|schema|\.ci)\/[\w./@-]+?)(?::\d+)?$/.exec(code) ?? []
  const isMissing = path !== undefined && !path.startsWith('bench/results') && !existsSync(join(root, path))
  return [...checkScripts(code), ...checkCommands(code), ...(isMissing ? [`there is no ${path}`] : [])]
}

function checkScripts(text: string): readonly string[] {
  const names = [...text.matchAll(/\bnpm (?:run|run-script) (?:-s |--silent )?([\w:.-]+)/g)].map(([, name = '']) => name)
  const paths = [...text.matchAll(/\b(?:node|tsx|vitest run) ((?:src|test|examples|scripts|bench)\/[\w./-]+)/g)].map(
    ([, path = '']) => path,
  )
  return [
    ...names.filter((name) => !(name in scripts)).map((name) => `there is no script "${name}"`),
    ...paths.filter((path) => !existsSync(join(root, path))).map((path) => `there is no ${path}`),
  ]
}
