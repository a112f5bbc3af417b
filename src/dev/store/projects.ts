import { createHmac, randomBytes } from 'node:crypto'
import { HoneyHiveError } from '../../errors.js'
import type { Transaction } from './change-queue.js'
import type { Reader } from './database.js'
import { toInsert, toUpsert } from './statement.js'
import type { Store } from './store.js'

/** Who sends: the key as a salted hash, and the label the request or span names. */
export interface Sender {
  /** Empty when the request carried no key. */
  readonly keyHash: string
  /** Few characters of the key, enough for a person to recognise it. */
  readonly hint: string
  /** The first characters too, for keys that end alike. */
  readonly longHint: string
}

/** The key that the command line and the page tell to use: no secret, and a name by itself. */
const SUGGESTED_KEY = 'local'

/** Decides which project a request belongs to. */
export interface ProjectStore {
  identify(apiKey: string | undefined): Sender
  /** The project of a sender and label, created when it is new. */
  resolve(tx: Transaction, sender: Sender, label: string | undefined): number
  /** Every project this sender has used, the one of `label` first. */
  idsOf(reader: Reader, sender: Sender, label?: string): number[]
}

/**
 * Reads the projects of a database. `mapped` fixes the project of known keys: name to key.
 *
 * @throws HoneyHiveError `DEV_SERVER` when one key is given for two names.
 */
export async function createProjectStore(store: Store, mapped: Readonly<Record<string, string>>): Promise<ProjectStore> {
  const { salt, fixed } = await store.change((tx) => fixProjects(tx, mapped))

  return {
    identify(apiKey) {
      const key = apiKey?.trim() ?? ''
      return { keyHash: key === '' ? '' : toHash(salt, key), hint: toHint(key), longHint: toLongHint(key) }
    },
    resolve(tx, sender, label = '') {
      const known = fixed.get(sender.keyHash) ?? findByKey(tx, sender.keyHash, label)
      if (known !== undefined) return known
      const id = insertProject(tx, chooseName(tx, sender, label))
      tx.run(...toInsert('project_keys', { key_hash: sender.keyHash, label, project_id: id }))
      return id
    },
    idsOf(reader, sender, label = '') {
      const only = fixed.get(sender.keyHash)
      if (only !== undefined) return [only]
      const rows = reader.all(
        'SELECT DISTINCT project_id FROM project_keys WHERE key_hash = ? ORDER BY label = ? DESC, project_id',
        sender.keyHash,
        label,
      )
      return rows.map((row) => Number(row.project_id))
    },
  }
}

/** Project by its id or name. */
export function findProject(reader: Reader, idOrName: string): number | undefined {
  const row = reader.get(
    'SELECT id FROM projects WHERE name = ? OR id = ? ORDER BY name = ? DESC',
    idOrName,
    /^\d{1,15}$/.test(idOrName) ? Number(idOrName) : null,
    idOrName,
  )
  return row === undefined ? undefined : Number(row.id)
}

/** The id of one project, or of all. */
export function listProjectIds(reader: Reader, projectId: number | undefined): number[] {
  return projectId === undefined ? reader.all('SELECT id FROM projects').map(({ id }) => Number(id)) : [projectId]
}

function fixProjects(tx: Transaction, mapped: Readonly<Record<string, string>>): { salt: string; fixed: ReadonlyMap<string, number> } {
  const salt = readSalt(tx)
  const fixed = new Map<string, number>()
  for (const [name, key] of Object.entries(mapped)) {
    const keyHash = toHash(salt, key.trim())
    if (fixed.has(keyHash))
      throw new HoneyHiveError('DEV_SERVER', `Project "${name}" has the same key as another project. Give each project its own key.`)
    const id = insertProject(tx, name)
    fixed.set(keyHash, id)
    tx.run(...toUpsert('project_keys', ['key_hash', 'label'], { key_hash: keyHash, label: '', project_id: id }))
  }
  return { salt, fixed }
}

function findByKey(tx: Transaction, keyHash: string, label: string): number | undefined {
  const row = tx.get('SELECT project_id FROM project_keys WHERE key_hash = ? AND label = ?', keyHash, label)
  return row === undefined ? undefined : Number(row.project_id)
}

function toHash(salt: string, key: string): string {
  return createHmac('sha256', salt).update(key).digest('hex')
}

function readSalt(tx: Transaction): string {
  tx.run(...toInsert('meta', { name: 'key_salt', value: randomBytes(32).toString('hex') }, 'ON CONFLICT DO NOTHING'))
  return String(tx.get('SELECT value FROM meta WHERE name = ?', 'key_salt')?.value)
}

function insertProject(tx: Transaction, name: string): number {
  tx.run(...toInsert('projects', { name, created_ms: tx.nowMs }, 'ON CONFLICT DO NOTHING'))
  return Number(tx.get('SELECT id FROM projects WHERE name = ?', name)?.id)
}

/** The label, or words for the key; with the key beside it when another key already uses that label. */
function chooseName(tx: Transaction, { keyHash, hint, longHint }: Sender, label: string): string {
  const keyNames = keyHash === '' ? ['no key'] : hint === SUGGESTED_KEY ? [SUGGESTED_KEY] : [`key ${hint}`, `key ${longHint}`]
  const candidates = label === '' ? keyNames : [label, ...keyNames.map((name) => `${label} (${name})`)]
  const free = candidates.find((name) => tx.get('SELECT id FROM projects WHERE name = ?', name) === undefined)
  return free ?? numberName(tx, candidates.at(-1) ?? '')
}

/** Keys that no letters of theirs tell apart are numbered in the order they came. */
function numberName(tx: Transaction, name: string): string {
  let number = 2
  while (tx.get('SELECT id FROM projects WHERE name = ?', `${name} #${number}`) !== undefined) number++
  return `${name} #${number}`
}

/** The end of a long key; of a short one, which somebody made up, little enough not to give it away and enough to know it again. */
function toHint(key: string): string {
  if (key === SUGGESTED_KEY) return key
  if (key.length >= 12) return `…${key.slice(-4)}`
  return key.length >= 5 ? `${key.slice(0, 2)}…${key.slice(-1)}` : `${key.slice(0, 1)}…`
}

function toLongHint(key: string): string {
  return key.length >= 16 ? `${key.slice(0, 4)}…${key.slice(-4)}` : `${toHint(key)} of ${key.length}`
}
