/** Masks passwords that a command line or a statement of SQL gives by its own grammar. */
import type { KeyRules } from './key-rules.js'
import { readNameBefore } from './field-name.js'
import { readQuotedValue } from './field-value.js'
import { isMasked, isPlaceholder, isReferenceValue } from './harmless.js'
import { TextCuts } from './text-cuts.js'

const REQUEST_TOOL = /\b(?:curl|wget|httpie|xh|https?)[\s"']/
const REQUEST_USER =
  /((?:\s|["'],\s{0,8}["'])(?:-u|-U|--user|--proxy-user|-a|--auth)(?:[ =]{0,4}|["'],\s{0,8}["'])\\{0,16}["']?[^\s:"'=\\]{1,128}:)([^\s"'\\]{1,256})/g
const REQUEST_COOKIE = /(\s(?:-b|--cookie)[ =]{1,4}\\{0,16}["']?)([^\s"'\\]{1,128}=[^"'\n\\]{1,2048})/g
const GRAMMAR_WORD =
  /\b(?:sshpass|login|mysql\w*|mariadb|redis-cli|convertto-securestring|sqlplus|configure\s+set|identified\s+by|password)(?=\s)/i
const FLAG =
  /(?<=^|[\s"'`,([])--([a-z\u00c0-\u1fff\u2070-\uffff][\w\u00c0-\u1fff\u2070-\uffff-]{1,40})(?:[ \t]{1,8}|\\{0,16}["'],\s{0,8}\\{0,16}["'])/gi
const WORD = /(?:\\{0,16}["']((?:[^"'\\]|\\.)*)\\{0,16}["']|[^\s"'`|&;<>()\\]+)/y
/** A word of a command, or what stands in its quotes. */
const WORD_OR_QUOTED = /((?<=")[^\s"][^"\n]{0,255}|(?<=')[^\s'][^'\n]{0,255}|[^\s"']{1,256})/.source

/** @param start what stands before the password, the quote that it may stand in included. */
function command(start: RegExp): RegExp {
  return new RegExp(`(${start.source})${WORD_OR_QUOTED}`, `g${start.flags}`)
}

/** Group 1 ends where the password begins, group 2 is the password. */
const GRAMMAR: readonly RegExp[] = [
  command(/\bsshpass\s+-p\s{0,4}["']?/),
  command(/\blogin\b[^\n|;]{0,256}?\s-p[ =]{1,4}["']?/),
  command(/\b(?:mysql|mysqldump|mysqladmin|mariadb|mariadb-dump)\b[^\n|;]{0,256}?\s-p["']?(?=[^\s"']{2})/),
  command(/\bredis-cli\b[^\n|;]{0,256}?\s-a[ ]{1,4}["']?/),
  /(\bconvertto-securestring\s+(?:-string\s+)?["'])([^"']{1,256})/gi,
  /(\bsqlplus\s+[\w$#-]{1,64}\/)([^\s"']{1,256}(?=@)|[^@\s"']{1,256})/g,
  /(\blogin\s+\S{1,128}\s+password\s+)(\S{1,256})/g,
  command(/\bconfigure\s+set\s+\S{0,64}(?:secret_access_key|session_token|password|token)\s+["']?/i),
  /(\b(?:identified\s+by|(?:with|encrypted|set|login|user\s+\S{1,64})\s+password)\s+(?:for\s+\S{1,64}\s+|password\s+|as\s+)?(?:=\s{0,4})?\\{0,16}["'])((?:[^"'\\]|\\[^"']){1,256})/gi,
]
const SETTING =
  /(?:^|[\n;&|])\s{0,8}(?:ENV|ARG|setenv|setx|set\s+-\w{1,4})\s+([A-Za-z_\u00c0-\u1fff\u2070-\uffff][\w\u00c0-\u1fff\u2070-\uffff]{1,63})\s+(["']?)([^\s"']{1,512})/gi
const COMPARISON = /\s(?:i?like|in|<>|!=)\s{0,4}\(?\s{0,4}'([^'\n]{1,512})'/gi
const INSERT =
  /\binsert\s+(?:ignore\s+|or\s+\w{1,10}\s+)?into\s+[\w.\u00c0-\u1fff\u2070-\uffff"`[\]]{1,128}\s{0,8}\(([^()]{1,2048})\)\s{0,8}values\s{0,8}/gi
const SQL_VALUE = /\s*(?:N|E)?(?:'((?:[^'\\]|\\.|'')*)'|"((?:[^"\\]|\\.|"")*)"|([^,()'"]+(?:\([^()]*\))?))\s*/y

/** `text` with `replacement` in place of passwords that a command takes without naming them. */
export function maskCommands(text: string, replacement: string): string {
  const grammar = [...(REQUEST_TOOL.test(text) ? [REQUEST_USER, REQUEST_COOKIE] : []), ...(GRAMMAR_WORD.test(text) ? GRAMMAR : [])]
  return grammar.reduce((masked, expression) => maskGroup(masked, expression, replacement), text)
}

/** `text` with `replacement` in place of what flags, settings and statements of SQL name a secret. */
export function maskStatements(text: string, rules: KeyRules, replacement: string): string {
  const mask = (whole: string, name: string, value: string): string =>
    rules.isSecretTextName(name) && !isHarmless(value, replacement) ? whole.replace(value, () => replacement) : whole
  return maskInserts(maskFlags(text, rules, replacement), rules, replacement)
    .replace(SETTING, (whole, name: string, _: string, value: string) => mask(whole, name, value))
    .replace(COMPARISON, (whole, value: string, at: number, all: string) => mask(whole, readNameBefore(all, at)?.name ?? '', value))
}

function maskGroup(text: string, expression: RegExp, replacement: string): string {
  return text.replace(expression, (whole, start: string, password: string, at: number, all: string) => {
    const from = at + start.length
    const isLeft = isMasked(all, from, from + password.length, replacement) || isHarmless(password, replacement)
    return isLeft ? whole : `${start}${replacement}`
  })
}

function isHarmless(value: string, replacement: string): boolean {
  return isPlaceholder(value, replacement) || isReferenceValue(value) || /^\d{1,5}$/.test(value)
}

/** `--password value`, also as items of a list. */
function maskFlags(text: string, rules: KeyRules, replacement: string): string {
  if (!text.includes('--')) return text
  const cuts = new TextCuts(text)
  for (const found of text.matchAll(FLAG)) {
    const name = found[1] ?? ''
    if (!rules.isSecretTextName(name) || found.index < cuts.end) continue
    const from = found.index + found[0].length
    const value = readQuotedValue(text, from) ?? wordAt(text, from)
    if (value === undefined || text[value.from] === '-' || isMasked(text, value.from, value.to, replacement)) continue
    if (isHarmless(text.slice(value.from, value.to), replacement)) continue
    cuts.add(value.from, value.to, replacement)
  }
  return cuts.finish()
}

function wordAt(text: string, from: number): { readonly from: number; readonly to: number } | undefined {
  WORD.lastIndex = from
  return WORD.test(text) ? { from, to: WORD.lastIndex } : undefined
}

/** The values of columns that mean secrets: `INSERT INTO users (name, password) VALUES ('a', 'b')`. */
function maskInserts(text: string, rules: KeyRules, replacement: string): string {
  if (!/insert/i.test(text)) return text
  const cuts = new TextCuts(text)
  for (const found of text.matchAll(INSERT)) {
    const columns = (found[1] ?? '').split(',').map((column) => rules.isSecretTextName(column.replace(/["'`[\]\s]/g, '')))
    if (columns.includes(true)) cutRows(text, found.index + found[0].length, columns, cuts, replacement)
  }
  return cuts.finish()
}

function cutRows(text: string, first: number, columns: readonly boolean[], cuts: TextCuts, replacement: string): void {
  let at = first
  while (text[at] === '(') {
    at += 1
    for (const isSecret of columns) {
      SQL_VALUE.lastIndex = at
      const found = SQL_VALUE.exec(text)
      if (found === null) return
      const quoted = found[1] ?? found[2]
      const from = quoted === undefined ? -1 : text.indexOf(quoted, at)
      if (isSecret && quoted !== undefined && from !== -1) cuts.add(from, from + quoted.length, replacement)
      at = SQL_VALUE.lastIndex + 1
    }
    at = skipTo(text, at)
  }
}

/** The parenthesis of the next row. */
function skipTo(text: string, at: number): number {
  const gap = /^\s*,?\s*/.exec(text.slice(at, at + 64))?.[0].length ?? 0
  return at + gap
}
