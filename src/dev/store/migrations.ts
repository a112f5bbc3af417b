import { closeSync, fstatSync, openSync, readSync } from 'node:fs'
import { HoneyHiveError } from '../../errors.js'
import type { Database, Reader } from './database.js'

/** One entry per version; an entry is never edited once released, only followed by another. */
const MIGRATIONS: readonly string[] = [
  `
  CREATE TABLE meta (name TEXT PRIMARY KEY, value TEXT NOT NULL);
  CREATE TABLE projects (id INTEGER PRIMARY KEY, name TEXT NOT NULL UNIQUE, created_ms INTEGER NOT NULL, last_seen_ms INTEGER);
  CREATE TABLE project_keys (key_hash TEXT NOT NULL, label TEXT NOT NULL, project_id INTEGER NOT NULL, PRIMARY KEY (key_hash, label));

  CREATE TABLE sessions (
    project_id INTEGER NOT NULL, id TEXT NOT NULL, name TEXT NOT NULL, source TEXT NOT NULL,
    start_ms REAL NOT NULL, end_ms REAL NOT NULL, events INTEGER NOT NULL, model_events INTEGER NOT NULL, errors INTEGER NOT NULL,
    prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL, total_tokens INTEGER NOT NULL, cost REAL NOT NULL,
    has_feedback INTEGER NOT NULL, run_id TEXT, origin TEXT NOT NULL,
    PRIMARY KEY (project_id, id)
  ) WITHOUT ROWID;
  CREATE INDEX sessions_by_start ON sessions (project_id, start_ms);
  CREATE INDEX sessions_by_end ON sessions (end_ms);

  CREATE TABLE events (
    key INTEGER PRIMARY KEY, project_id INTEGER NOT NULL, id TEXT NOT NULL, session_id TEXT NOT NULL, parent_id TEXT,
    type TEXT NOT NULL, name TEXT NOT NULL, source TEXT NOT NULL, start_ms REAL NOT NULL, end_ms REAL NOT NULL, duration_ms REAL NOT NULL,
    error TEXT, prompt_tokens INTEGER NOT NULL, completion_tokens INTEGER NOT NULL, total_tokens INTEGER NOT NULL, cost REAL NOT NULL,
    has_feedback INTEGER NOT NULL, model TEXT, links INTEGER NOT NULL, trace_id TEXT, span_id TEXT, parent_span_id TEXT,
    run_id TEXT, datapoint_id TEXT, process_id TEXT, received_ms INTEGER NOT NULL
  );
  CREATE UNIQUE INDEX events_by_id ON events (project_id, id);
  CREATE UNIQUE INDEX events_by_span ON events (trace_id, span_id, project_id) WHERE trace_id IS NOT NULL;
  CREATE INDEX events_by_parent_span ON events (trace_id, parent_span_id) WHERE trace_id IS NOT NULL;
  CREATE INDEX events_by_session ON events (project_id, session_id, start_ms);
  CREATE INDEX events_by_start ON events (project_id, start_ms);
  CREATE INDEX events_by_run ON events (run_id) WHERE run_id IS NOT NULL;
  CREATE INDEX events_by_process ON events (process_id, start_ms) WHERE process_id IS NOT NULL;

  CREATE TABLE bodies (key INTEGER PRIMARY KEY, inputs TEXT NOT NULL, outputs TEXT NOT NULL, rest TEXT NOT NULL, patch TEXT);
  CREATE TABLE pending_updates (key_hash TEXT NOT NULL, event_id TEXT NOT NULL, patch TEXT NOT NULL, received_ms INTEGER NOT NULL, PRIMARY KEY (event_id, key_hash));

  CREATE TABLE links (event_key INTEGER NOT NULL, from_trace TEXT NOT NULL, from_span TEXT NOT NULL, to_trace TEXT NOT NULL, to_span TEXT NOT NULL, kind TEXT, attributes TEXT NOT NULL);
  CREATE INDEX links_by_event ON links (event_key);
  CREATE INDEX links_by_target ON links (to_trace, to_span);

  CREATE TABLE processes (id TEXT PRIMARY KEY, pid INTEGER, host TEXT, service TEXT, first_seen_ms REAL NOT NULL, last_seen_ms REAL NOT NULL);
  CREATE TABLE process_projects (process_id TEXT NOT NULL, project_id INTEGER NOT NULL, PRIMARY KEY (process_id, project_id));

  CREATE TABLE runs (project_id INTEGER NOT NULL, id TEXT PRIMARY KEY, name TEXT, status TEXT NOT NULL, dataset_id TEXT, created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL, body TEXT NOT NULL);
  CREATE INDEX runs_by_project ON runs (project_id, created_ms);
  CREATE TABLE documents (kind TEXT NOT NULL, project_id INTEGER NOT NULL, id TEXT NOT NULL, created_ms INTEGER NOT NULL, updated_ms INTEGER NOT NULL, body TEXT NOT NULL, PRIMARY KEY (kind, id));
  CREATE INDEX documents_by_project ON documents (project_id, kind, created_ms);
  CREATE TABLE drops (project_id INTEGER NOT NULL, tracer TEXT NOT NULL, reason TEXT NOT NULL, count INTEGER NOT NULL, last_seen_ms INTEGER NOT NULL, PRIMARY KEY (project_id, tracer, reason));
  `,
  // Age counts from when a session was last written to: traces may be sent long after they happened.
  `
  ALTER TABLE sessions ADD COLUMN touched_ms INTEGER NOT NULL DEFAULT 0;
  UPDATE sessions SET touched_ms = CAST(strftime('%s', 'now') AS INTEGER) * 1000;
  DROP INDEX sessions_by_end;
  CREATE INDEX sessions_by_touch ON sessions (touched_ms);
  `,
  // The page asks for the sources of a project with every list.
  'CREATE INDEX sessions_by_source ON sessions (project_id, source);',
  // Children of an event, and rows of a data set, without reading all others.
  `
  CREATE INDEX events_by_parent ON events (project_id, parent_id, start_ms);
  CREATE TABLE dataset_points (dataset_id TEXT NOT NULL, datapoint_id TEXT NOT NULL, position INTEGER NOT NULL, PRIMARY KEY (dataset_id, datapoint_id)) WITHOUT ROWID;
  CREATE INDEX dataset_points_by_position ON dataset_points (dataset_id, position);
  INSERT OR IGNORE INTO dataset_points SELECT d.id, j.value, j.key FROM documents d, json_each(d.body, '$.datapoints') j WHERE d.kind = 'dataset';
  UPDATE documents SET body = json_remove(body, '$.datapoints') WHERE kind = 'dataset';
  `,
  // What lists show of a session: a line of its words, whose it is, and whether its cost is whole.
  `
  ALTER TABLE events ADD COLUMN cost_source TEXT;
  ALTER TABLE sessions ADD COLUMN unpriced INTEGER NOT NULL DEFAULT 0;
  ALTER TABLE sessions ADD COLUMN user_id TEXT;
  ALTER TABLE sessions ADD COLUMN preview TEXT;
  CREATE INDEX sessions_of_runs ON sessions (project_id, run_id) WHERE run_id IS NOT NULL;
  `,
  // What was deleted and can be brought back: its rows stand under the negative id of their project meanwhile.
  `
  CREATE TABLE trash (kind TEXT NOT NULL, project_id INTEGER NOT NULL, id TEXT NOT NULL, deleted_ms INTEGER NOT NULL, up_to INTEGER,
    PRIMARY KEY (kind, project_id, id)) WITHOUT ROWID;
  `,
]

/** Marks a file as one of this server's, as SQLite's `application_id`: "HHLS". */
const APPLICATION_ID = 0x48_48_4c_53
/** Tables that files written before they carried the mark are recognised by. */
const OWN_TABLES = ['meta', 'project_keys', 'pending_updates', 'bodies']

/** The layout this release writes. */
export const LAYOUT: number = MIGRATIONS.length

/** Where SQLite keeps the mark in the head of a file. */
const APPLICATION_ID_AT = 68

/** Whether the file itself says that it is one of this server's, or is empty; what is only in its log is not looked at. */
export function isMarked(file: string): boolean {
  const descriptor = openSync(file, 'r')
  try {
    const mark = Buffer.alloc(4)
    const length = readSync(descriptor, mark, 0, mark.length, APPLICATION_ID_AT)
    return fstatSync(descriptor).size === 0 || (length === mark.length && mark.readUInt32BE() === APPLICATION_ID)
  } finally {
    closeSync(descriptor)
  }
}

/**
 * The layout of a database, 0 for an empty one.
 *
 * @throws HoneyHiveError `DEV_SERVER` when it is no database of a local server, or a newer release wrote it.
 */
export function readLayout(database: Reader): number {
  const version = Number(database.get('PRAGMA user_version')?.user_version ?? 0)
  if (!isOwn(database)) throw new HoneyHiveError('DEV_SERVER', 'The file is not a database of honeyhive-tracer dev. Name another file.')
  if (version > LAYOUT) {
    throw new HoneyHiveError(
      'DEV_SERVER',
      `The database has layout ${version}, this release knows ${LAYOUT}. Update the package or use another file.`,
    )
  }
  return version
}

function isOwn(database: Reader): boolean {
  if (Number(database.get('PRAGMA application_id')?.application_id ?? 0) === APPLICATION_ID) return true
  const tables = new Set(database.all('SELECT name FROM sqlite_master').map(({ name }) => name))
  return tables.size === 0 || OWN_TABLES.every((table) => tables.has(table))
}

/**
 * Brings a database to the newest layout, all steps or none.
 *
 * @throws HoneyHiveError `DEV_SERVER` as {@link readLayout}.
 */
export function migrate(database: Database): void {
  if (readLayout(database) === LAYOUT) return
  database.exec('BEGIN IMMEDIATE')
  try {
    // Read again: another server may have done it between the two.
    for (const sql of MIGRATIONS.slice(readLayout(database))) database.exec(sql)
    database.exec(`PRAGMA application_id = ${APPLICATION_ID}; PRAGMA user_version = ${LAYOUT}; COMMIT`)
  } catch (error) {
    database.exec('ROLLBACK')
    throw error
  }
}
