/** Finds the values of secrets in flat lists: pairs, raw headers (`[name, value, name, value]`) and arguments of commands. */
import { NativeSet } from '../../natives.js'
import type { KeyRules } from './key-rules.js'

/** Names of lists whose items are names themselves. */
const LISTS_OF_NAMES =
  /^(?:required|enum|fields?|columns?|keys?|names?|scopes?|tags?|labels?|includes?|excludes?|ignore[ds]?|order(?:_?by)?|select(?:ed)?|properties|attributes|redact(?:ed)?|mask(?:ed)?|paths?|options|choices|categories|types|stop(?:words)?|words|tokens|topics|keywords|permissions|roles|features|(?:required|allowed|sensitive|secret|hidden|form)_?(?:fields|keys|names|params))$/i
/** What names of fields are called that stand beside names of secrets in lists of names. */
const FIELD_WORDS: ReadonlySet<string> = new NativeSet([
  ...['email', 'e-mail', 'mail', 'username', 'user', 'user_name', 'name', 'id', 'login', 'phone', 'address', 'age', 'date', 'title', 'url'],
  ...['description', 'type', 'role', 'status', 'message', 'content', 'text', 'key', 'value', 'first_name', 'last_name', 'firstname'],
  ...['lastname', 'created_at', 'updated_at', 'host', 'port', 'database', 'string', 'number', 'boolean', 'remember', 'submit', 'code'],
])
const NAME_LIKE = /^[\w.:$@ '’\u00c0-\u1fff\u2070-\uffff-]{1,64}$/
const WORDS = /^[A-Za-z\u00c0-\u1fff\u2070-\uffff]+(?:[_-][A-Za-z\u00c0-\u1fff\u2070-\uffff]+)*$/
const MAX_ITEMS = 512

/** Whether the items of a list with this name are names. */
export function isListOfNames(name: string): boolean {
  return name.length <= 24 && LISTS_OF_NAMES.test(name)
}

/** Which items of `items` are to be masked; what is no text counts as `undefined`. */
export function findSecretItems(items: readonly (string | undefined)[], rules: KeyRules): readonly number[] {
  if (items.length < 2 || items.length > MAX_ITEMS || !items.some((item) => isSecretItem(item, rules))) return NONE
  const behindFlags = items.flatMap((_, i) => (isFlag(items[i], rules) && items[i + 1]?.startsWith('-') === false ? [i + 1] : NONE))
  return [...behindFlags, ...(isPairs(items, rules) ? behindNames(items, rules) : NONE)]
}

const NONE: readonly number[] = Object.freeze([])

function isSecretItem(item: string | undefined, rules: KeyRules): boolean {
  return item !== undefined && item.length <= 64 && item.length > 1 && rules.isSecretTextName(item)
}

/** `--password`; `--password=…` has its value already. */
function isFlag(item: string | undefined, rules: KeyRules): boolean {
  return item?.startsWith('-') === true && !item.includes('=') && isSecretItem(item, rules)
}

/** Names at every other place, and no name where a value should stand. */
function isPairs(items: readonly (string | undefined)[], rules: KeyRules): boolean {
  if (items.length % 2 !== 0) return false
  return items.every((item, i) => {
    if (item === undefined) return i % 2 !== 0
    if (i % 2 === 0) return NAME_LIKE.test(item)
    return !FIELD_WORDS.has(item.toLowerCase()) && !(WORDS.test(item) && isSecretItem(item, rules))
  })
}

function behindNames(items: readonly (string | undefined)[], rules: KeyRules): number[] {
  const found: number[] = []
  for (let i = 0; i + 1 < items.length; i += 2) {
    if (isSecretItem(items[i], rules)) found.push(i + 1)
  }
  return found
}
