import { createHmac, randomBytes } from 'node:crypto'
import { HoneyHiveError } from '../../errors.js'
import type { Database } from './database.js'

/** Who sends: the key as a salted hash, and the label the request or span names. */
export interface Sender {
  /** Empty when the request carried no key. */
  readonly keyHash: string
  /** Last characters of the key, enough for a person to recognise it. */
  readonly hint: string
}

/** Decides which project a request belongs to. */
export interface ProjectStore {
  identify(apiKey: string | undefined): Sender
  /** The project of a sender and label, created when it is new. Call inside a write. */
  resolve(sender: Sender, label: string | undefined): number
  /** Every project this sender has used, the one of `label` first. */
  idsOf(sender: Sender, label?: string): number[]
  touch(projectId: number, nowMs: number): void
  /** Project by its id or name. */
  find(idOrName: string): number | undefined
  nameOf(projectId: number): string
}

/**
 * Reads the projects of a database. `mapped` fixes the project of known keys: name to key.
 *
 * @throws HoneyHiveError `DEV_SERVER` when one key is given for two names.
 */
export function createProjectStore(database: Database, mapped: Readonly<Record<string, string>>): ProjectStore {
  const salt = readSalt(database)
  const hash = (key: string): string => createHmac('sha256', salt).update(key).digest('hex')
  const fixed = new Map<string, number>()

  for (const [name, key] of Object.entries(mapped)) {
    const keyHash = hash(key.trim())
    if (fixed.has(keyHash))
      throw new HoneyHiveError('DEV_SERVER', `Project "${name}" has the same key as another project. Give each project its own key.`)
    const id = insertProject(database, name)
    fixed.set(keyHash, id)
    database.run('INSERT INTO project_keys VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET project_id = excluded.project_id', keyHash, '', id)
  }

  function lookUp(keyHash: string, label: string): number | undefined {
    const row = database.get('SELECT project_id FROM project_keys WHERE key_hash = ? AND label = ?', keyHash, label)
    return row === undefined ? undefined : Number(row.project_id)
  }

  return {
    identify(apiKey) {
      const key = apiKey?.trim() ?? ''
      return key === '' ? { keyHash: '', hint: '' } : { keyHash: hash(key), hint: toHint(key) }
    },
    resolve(sender, label = '') {
      const known = fixed.get(sender.keyHash) ?? lookUp(sender.keyHash, label)
      if (known !== undefined) return known
      const id = insertProject(database, chooseName(database, sender, label))
      database.run('INSERT INTO project_keys VALUES (?, ?, ?)', sender.keyHash, label, id)
      return id
    },
    idsOf(sender, label = '') {
      const only = fixed.get(sender.keyHash)
      if (only !== undefined) return [only]
      const rows = database.all(
        'SELECT DISTINCT project_id FROM project_keys WHERE key_hash = ? ORDER BY label = ? DESC, project_id',
        sender.keyHash,
        label,
      )
      return rows.map((row) => Number(row.project_id))
    },
    touch: (projectId, nowMs) => database.run('UPDATE projects SET last_seen_ms = ? WHERE id = ?', nowMs, projectId),
    find(idOrName) {
      const row = database.get(
        'SELECT id FROM projects WHERE name = ? OR id = ? ORDER BY name = ? DESC',
        idOrName,
        /^\d{1,15}$/.test(idOrName) ? Number(idOrName) : null,
        idOrName,
      )
      return row === undefined ? undefined : Number(row.id)
    },
    nameOf: (projectId) => String(database.get('SELECT name FROM projects WHERE id = ?', projectId)?.name ?? ''),
  }
}

function readSalt(database: Database): string {
  database.run('INSERT INTO meta VALUES (?, ?) ON CONFLICT DO NOTHING', 'key_salt', randomBytes(32).toString('hex'))
  return String(database.get('SELECT value FROM meta WHERE name = ?', 'key_salt')?.value)
}

function insertProject(database: Database, name: string): number {
  database.run('INSERT INTO projects (name, created_ms) VALUES (?, ?) ON CONFLICT DO NOTHING', name, Date.now())
  return Number(database.get('SELECT id FROM projects WHERE name = ?', name)?.id)
}

/** The label, or words for the key; with the key beside it when another key already uses that label. */
function chooseName(database: Database, { keyHash, hint }: Sender, label: string): string {
  const keyName = keyHash === '' ? 'no key' : `key …${hint}`
  const candidates = label === '' ? [keyName] : [label, `${label} (${keyName})`]
  const free = candidates.find((name) => database.get('SELECT id FROM projects WHERE name = ?', name) === undefined)
  return free ?? `${candidates.at(-1)} ${keyHash.slice(0, 8)}`
}

/** Four characters of a long key; none of one so short that four would give it away. */
function toHint(key: string): string {
  return key.length >= 12 ? key.slice(-4) : `(${key.length} characters)`
}
