import { createHash } from 'node:crypto'
import { execFile } from 'node:child_process'
import {
  chmodSync,
  chownSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
  writeFileSync,
} from 'node:fs'
import { createServer } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { promisify } from 'node:util'
import { describe, expect, onTestFinished } from 'vitest'
import { startDevServer } from '../../src/dev/server.js'
import { connect, DatabaseFullError } from '../../src/dev/store/database.js'
import { LAYOUT } from '../../src/dev/store/migrations.js'
import { openStore, openStoreToRead } from '../../src/dev/store/store.js'
import { call, holdLock, sendSpans, test } from './fixtures.js'

const makeFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'hh-store-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return folder
}

/** A database with one session, closed. */
const fill = async (path: string): Promise<void> => {
  const server = await startDevServer({ port: 0, database: path })
  await sendSpans(server, [{ name: 'kept' }])
  await server.close()
}

/** The same in an older layout, as the first version left it. */
const fillInLayout3 = async (path: string): Promise<void> => {
  await fill(path)
  const database = await connect(path)
  database.exec(`
    DROP TABLE trash; DROP INDEX sessions_of_runs; ALTER TABLE events DROP COLUMN cost_source;
    ALTER TABLE sessions DROP COLUMN unpriced; ALTER TABLE sessions DROP COLUMN user_id; ALTER TABLE sessions DROP COLUMN preview;
    DROP INDEX events_by_parent; DROP TABLE dataset_points; PRAGMA application_id = 0; PRAGMA user_version = 3`)
  database.close()
}

const hashOf = (path: string): string => createHash('sha256').update(readFileSync(path)).digest('hex')

describe('openStore', () => {
  test('says that a file which was cut short is damaged, and what to do', async () => {
    const file = join(makeFolder(), 'dev.db')
    await (await openStore(file)).close()
    writeFileSync(file, readFileSync(file).subarray(0, 9_000))
    await expect(openStore(file)).rejects.toThrow(/it is damaged\. Move it out of the way, or name another file\.$/)
  })

  test('says so when a part of the file turns out to be damaged that nothing had read before', async ({ start }) => {
    const file = join(makeFolder(), 'dev.db')
    await fill(file)
    const database = await connect(file)
    const { rootpage } = database.get("SELECT rootpage FROM sqlite_schema WHERE name = 'events'") ?? {}
    const pageSize = Number(database.get('PRAGMA page_size')?.page_size)
    database.close()
    const bytes = readFileSync(file)
    bytes.fill(0xee, (Number(rootpage) - 1) * pageSize, Number(rootpage) * pageSize)
    writeFileSync(file, bytes)
    const server = await start({ database: file })
    const message = expect.stringMatching(/^The local database is damaged \(.*\)\. End the server, move the file out of the way/)
    const refused = { status: 500, body: { success: false, errorCode: 'storage_damaged', message } }
    expect(await call(server, 'POST', '/events', { event: { event_type: 'tool', event_name: 'lost', project: 'p' } })).toMatchObject(
      refused,
    )
    expect(() => server.events()).toThrow(/^The local database is damaged/)
  })

  test('keeps its own folder out of git, and leaves the folders of others alone', async () => {
    const folder = makeFolder()
    await (await openStore(join(folder, '.honeyhive', 'dev.db'))).close()
    expect(readFileSync(join(folder, '.honeyhive', '.gitignore'), 'utf8')).toBe('*\n')
    await (await openStore(join(folder, 'dev.db'))).close()
    expect(existsSync(join(folder, '.gitignore'))).toBe(false)
  })

  test('gives an older folder of its own the file too, and never replaces one that is there', async () => {
    const folder = makeFolder()
    mkdirSync(join(folder, '.honeyhive'))
    await (await openStore(join(folder, '.honeyhive', 'dev.db'))).close()
    writeFileSync(join(folder, '.honeyhive', '.gitignore'), '!dev.db\n')
    await (await openStore(join(folder, '.honeyhive', 'dev.db'))).close()
    expect(readFileSync(join(folder, '.honeyhive', '.gitignore'), 'utf8')).toBe('!dev.db\n')
  })

  test('refuses a path that is a link, whether or not something is behind it', async () => {
    const folder = makeFolder()
    await fill(join(folder, 'real.db'))
    const before = hashOf(join(folder, 'real.db'))
    symlinkSync(join(folder, 'real.db'), join(folder, 'link.db'))
    symlinkSync(join(folder, 'missing.db'), join(folder, 'dangling.db'))
    symlinkSync(join(folder, 'real.db'), join(folder, 'side.db-wal'))
    for (const name of ['link.db', 'dangling.db', 'side.db']) {
      const refusal = { code: 'DEV_SERVER', message: expect.stringMatching(/is a link\. Name a file of your own/) as string }
      await expect(openStore(join(folder, name))).rejects.toMatchObject(refusal)
    }
    await expect(openStoreToRead(join(folder, 'link.db'))).rejects.toMatchObject({ code: 'DEV_SERVER' })
    expect([hashOf(join(folder, 'real.db')), existsSync(join(folder, 'missing.db'))]).toEqual([before, false])
  })

  test('refuses its own folder when that is a link', async () => {
    const folder = makeFolder()
    mkdirSync(join(folder, 'elsewhere'))
    symlinkSync(join(folder, 'elsewhere'), join(folder, '.honeyhive'))
    await expect(openStore(join(folder, '.honeyhive', 'dev.db'))).rejects.toMatchObject({
      message: expect.stringMatching(/is a link/) as string,
    })
    expect(existsSync(join(folder, 'elsewhere', 'dev.db'))).toBe(false)
  })

  test('refuses the database of another program, and what is no database, and changes neither', async () => {
    const folder = makeFolder()
    const [other, text] = [join(folder, 'other.db'), join(folder, 'notes.txt')]
    const database = await connect(other)
    database.exec("CREATE TABLE customers (name TEXT); INSERT INTO customers VALUES ('Ada')")
    database.close()
    writeFileSync(text, 'these are notes, and there are many of them. '.repeat(50))
    for (const path of [other, text]) {
      const before = hashOf(path)
      const refusal = { code: 'DEV_SERVER', message: expect.stringMatching(/not a database of honeyhive-tracer dev/) as string }
      await expect(openStore(path)).rejects.toMatchObject(refusal)
      await expect(openStoreToRead(path)).rejects.toMatchObject(refusal)
      expect(hashOf(path)).toBe(before)
    }
  })

  // Only the superuser can give a file away.
  test.runIf(process.getuid?.() === 0)('refuses a file of another user', async () => {
    const path = join(makeFolder(), 'theirs.db')
    await fill(path)
    chownSync(path, 12_345, 12_345)
    await expect(openStore(path)).rejects.toMatchObject({ message: expect.stringMatching(/belongs to another user/) as string })
  })

  test('says in the head of the file whose it is, where SQLite keeps that', async () => {
    const path = join(makeFolder(), 'dev.db')
    await (await openStore(path)).close()
    expect(readFileSync(path).subarray(68, 72).toString()).toBe('HHLS')
  })

  test('leaves a file as it was, and free for others, when it cannot be brought to the newest layout', async () => {
    const path = join(makeFolder(), 'layout-3.db')
    await fillInLayout3(path)
    const before = await connect(path)
    before.exec('CREATE TABLE trash (n INTEGER)')
    before.close()
    await expect(openStore(path)).rejects.toMatchObject({ code: 'DEV_SERVER' })
    const after = await connect(path)
    const [table] = after.all("SELECT count(*) AS n FROM sqlite_master WHERE name = 'dataset_points'")
    expect([after.get('PRAGMA user_version'), table]).toMatchObject([{ user_version: 3 }, { n: 0 }])
    after.exec('DROP TABLE trash')
    after.close()
    const store = await openStore(path)
    expect([store.get('PRAGMA user_version'), store.get('SELECT name FROM events')]).toMatchObject([
      { user_version: LAYOUT },
      { name: 'kept' },
    ])
    await store.close()
  })

  test('waits for a file that another program holds while it starts', async () => {
    const path = join(makeFolder(), 'held.db')
    await fillInLayout3(path)
    const release = await holdLock(path)
    const opening = openStore(path)
    await new Promise((resolve) => setTimeout(resolve, 200))
    await release()
    const store = await opening
    expect(store.get('PRAGMA user_version')).toMatchObject({ user_version: LAYOUT })
    await store.close()
  })
})

test('a start that fails because the port is taken leaves the database alone', async ({ server }) => {
  const path = join(makeFolder(), 'never.db')
  await expect(startDevServer({ port: server.port, database: path })).rejects.toMatchObject({
    message: expect.stringMatching(/EADDRINUSE/) as string,
  })
  expect(existsSync(path)).toBe(false)
})

test('what comes before the database is open is answered 503, and accepted once it is', async () => {
  const path = join(makeFolder(), 'late.db')
  await fillInLayout3(path)
  const release = await holdLock(path)
  const { port } = await new Promise<{ port: number }>((resolve) => {
    const free = createServer().listen(0, '127.0.0.1', () => {
      const address = free.address() as { port: number }
      free.close(() => resolve(address))
    })
  })
  const starting = startDevServer({ port, database: path })
  await expect
    .poll(() =>
      fetch(`http://127.0.0.1:${port}/api/projects`).then(
        ({ status }) => status,
        () => 0,
      ),
    )
    .toBe(503)
  await release()
  const server = await starting
  expect((await sendSpans(server, [{ name: 'later' }])).status).toBe(200)
  await server.close()
})

describe('openStoreToRead', () => {
  test('changes nothing of the file, whatever its age', async () => {
    const path = join(makeFolder(), 'old.db')
    await fill(path)
    const database = await connect(path)
    database.exec('UPDATE sessions SET touched_ms = 0')
    database.close()
    const before = hashOf(path)
    const store = await openStoreToRead(path)
    expect(store.all('SELECT name FROM events').map(({ name }) => name)).toEqual(['kept'])
    await expect(store.change((tx) => tx.run('DELETE FROM events'))).rejects.toThrow(/readonly database/)
    await store.close()
    expect(hashOf(path)).toBe(before)
  })

  test('reads a database of an older layout without bringing it to the newest one', async () => {
    const path = join(makeFolder(), 'layout-3.db')
    await fillInLayout3(path)
    const before = hashOf(path)
    const store = await openStoreToRead(path)
    expect(store.get('SELECT count(*) AS n FROM dataset_points')).toMatchObject({ n: 0 })
    await store.close()
    expect(hashOf(path)).toBe(before)
    expect(existsSync(path)).toBe(true)
  })

  // The superuser may write everywhere, so it becomes somebody else for this.
  // Root may write everywhere, so it gives up that right first; `setpriv` of util-linux does that.
  test.runIf(process.platform === 'linux')('reads from a folder that cannot be written', { timeout: 60_000 }, async () => {
    const folder = makeFolder()
    const path = join(folder, 'fixed.db')
    await fill(path)
    for (const ending of ['-wal', '-shm']) rmSync(`${path}${ending}`, { force: true })
    chmodSync(path, 0o444)
    chmodSync(folder, 0o555)
    const store = new URL('../../src/dev/store/store.ts', import.meta.url).href
    const script = `import { writeFileSync } from 'node:fs'
      const { openStoreToRead } = await import(${JSON.stringify(store)})
      const store = await openStoreToRead(${JSON.stringify(path)})
      console.log(store.get('SELECT name FROM events').name)
      await store.close()
      try { writeFileSync(${JSON.stringify(join(folder, 'written'))}, '') } catch (error) { console.log(error.code) }`
    const withoutRights = process.getuid?.() === 0 ? ['setpriv', '--bounding-set=-dac_override', '--inh-caps=-dac_override'] : []
    const [program = '', ...args] = [...withoutRights, process.execPath, '--import', 'tsx', '--input-type=module', '-e', script]
    const { stdout } = await promisify(execFile)(program, args)
    expect([stdout, readdirSync(folder)]).toEqual(['kept\nEACCES\n', ['fixed.db']])
  })

  test('says that there is no such database, and makes none', async () => {
    const path = join(makeFolder(), 'missing.db')
    await expect(openStoreToRead(path)).rejects.toMatchObject({ code: 'DEV_SERVER', message: `There is no database "${path}".` })
    expect(existsSync(path)).toBe(false)
  })
})

describe('a change', () => {
  test('runs again, whole, when the file was held meanwhile', async () => {
    const path = join(makeFolder(), 'again.db')
    const store = await openStore(path)
    const release = await holdLock(path)
    const changed = store.change((tx) => tx.run("INSERT INTO meta VALUES ('a', '1')"))
    await new Promise((resolve) => setTimeout(resolve, 200))
    expect(store.get("SELECT value FROM meta WHERE name = 'a'")).toBeUndefined()
    await release()
    await changed
    expect(store.get("SELECT value FROM meta WHERE name = 'a'")).toMatchObject({ value: '1' })
    await store.close()
  })

  test('that throws leaves nothing behind, and those beside it alone', async () => {
    const store = await openStore(':memory:')
    const outcomes = await Promise.allSettled([
      store.change((tx) => tx.run("INSERT INTO meta VALUES ('a', '1')")),
      store.change((tx) => {
        tx.run("INSERT INTO meta VALUES ('b', '1')")
        throw new Error('no')
      }),
      store.change((tx) => tx.run("INSERT INTO meta VALUES ('c', '1')")),
    ])
    expect(outcomes.map(({ status }) => status)).toEqual(['fulfilled', 'rejected', 'fulfilled'])
    expect(store.all('SELECT name FROM meta ORDER BY name').map(({ name }) => name)).toEqual(['a', 'c'])
    await store.close()
  })

  test('is given no time for a file that is held, and a fault in it is not taken for a full disk', async () => {
    const database = await connect(':memory:')
    expect(database.get('PRAGMA busy_timeout')).toMatchObject({ timeout: 0 })
    let thrown: unknown
    try {
      database.get('SELECT 1 FROM nowhere')
    } catch (error) {
      thrown = error
    }
    expect(thrown).toMatchObject({ message: expect.stringContaining('no such table') as string })
    expect(thrown).not.toBeInstanceOf(DatabaseFullError)
    database.close()
  })

  test('forgets statements that were used long ago', async () => {
    const database = await connect(':memory:')
    for (let i = 0; i < 2_000; i++) expect(database.get(`SELECT ${i} AS i`)).toMatchObject({ i })
    expect(database.get('SELECT 0 AS i')).toMatchObject({ i: 0 })
    database.close()
  })
})
