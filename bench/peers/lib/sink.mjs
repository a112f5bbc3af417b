// A loopback sink that plays every backend the peers talk to. It runs as its own process, so that its CPU is
// never charged to the process being measured, and it counts what arrived only when it is asked (bodies are kept
// until then, up to KEEP_BYTES), so that it takes little of the second core while a peer is being timed.
//
// Started by startSink() below (child_process.fork); talks over IPC only at start and stop, and over HTTP
// (/__bench/*) for everything else, so a worker that was not its parent can ask too.
import http from 'node:http'
import { fork } from 'node:child_process'
import { fileURLToPath } from 'node:url'
import { plain, spansOf } from './decode.mjs'

const KEEP_BYTES = 192 * 1024 * 1024

/** Starts a sink process. mode: 'ok' | 'slow' (answers after delayMs) | '503'. */
export async function startSink({ mode = 'ok', delayMs = 5000 } = {}) {
  const child = fork(fileURLToPath(import.meta.url), ['--serve', mode, String(delayMs)], {
    stdio: ['ignore', 'ignore', 'inherit', 'ipc'],
    execArgv: [],
  })
  const port = await new Promise((resolve, reject) => {
    child.once('message', (m) => resolve(m.port))
    child.once('exit', (code) => reject(new Error(`sink ended early: ${code}`)))
  })
  return {
    mode,
    endpoint: `http://127.0.0.1:${port}`,
    stop: () =>
      new Promise((resolve) => {
        child.once('exit', resolve)
        child.disconnect() // the sink ends itself when its parent lets go
        setTimeout(() => child.kill('SIGKILL'), 2000).unref()
      }),
  }
}

/** A loopback port on which nothing listens. */
export async function closedPort() {
  const s = http.createServer()
  await new Promise((r) => s.listen(0, '127.0.0.1', r))
  const { port } = s.address()
  await new Promise((r) => s.close(r))
  return `http://127.0.0.1:${port}`
}

// ------------------------------------------------------------------ counting
function uvarint(buf, from) {
  let v = 0,
    m = 1,
    at = from,
    b
  do {
    b = buf[at++]
    v += (b & 0x7f) * m
    m *= 128
  } while (b >= 128)
  return [v, at]
}
/** Counts the length-delimited fields found along `path` (field numbers) in a protobuf message. */
function countProto(buf, path, depth = 0) {
  let pos = 0,
    n = 0
  while (pos < buf.length) {
    let tag
    ;[tag, pos] = uvarint(buf, pos)
    const field = Math.floor(tag / 8),
      wire = tag & 7
    if (wire === 2) {
      let len
      ;[len, pos] = uvarint(buf, pos)
      if (field === path[depth]) {
        if (depth === path.length - 1) n++
        else n += countProto(buf.subarray(pos, pos + len), path, depth + 1)
      }
      pos += len
    } else if (wire === 0) [, pos] = uvarint(buf, pos)
    else if (wire === 1) pos += 8
    else if (wire === 5) pos += 4
    else throw new Error(`protobuf wire type ${wire}`)
  }
  return n
}

function count(stats, { path, ctype, enc, body }) {
  const b = plain({ enc, body })
  stats.plainBytes += b.length
  const ids = stats._ids
  if (/v1\/traces$/.test(path)) {
    if (/protobuf/.test(ctype))
      stats.spans += countProto(b, [1, 2, 2]) // resource_spans.scope_spans.spans
    else {
      for (const r of JSON.parse(b.toString()).resourceSpans ?? []) for (const s of r.scopeSpans ?? []) stats.spans += s.spans?.length ?? 0
    }
    stats.spanBytes += body.length
  } else if (/runs\/multipart$/.test(path)) {
    for (const m of b.toString('latin1').matchAll(/name="post\.([0-9a-f-]{36})"/g)) ids.add(m[1])
    stats.spanBytes += body.length
  } else if (/runs\/batch$/.test(path)) {
    for (const r of JSON.parse(b.toString()).post ?? []) ids.add(r.id)
    stats.spanBytes += body.length
  } else if (/logs3$/.test(path)) {
    for (const r of JSON.parse(b.toString()).rows ?? []) ids.add(r.span_id ?? r.id)
    stats.spanBytes += body.length
  } else if (/(spans|traces)\/batch$/.test(path)) {
    // opik: a root is both a trace and a span; spans are what is counted
    if (/spans/.test(path)) for (const r of JSON.parse(b.toString()).spans ?? []) ids.add(r.id)
    stats.spanBytes += body.length
  } else if (/call\/upsert_batch$/.test(path)) {
    for (const r of JSON.parse(b.toString()).batch ?? []) ids.add(r.req?.start?.id ?? r.req?.end?.id)
    stats.spanBytes += body.length
  } else if (/calls\/complete$/.test(path)) {
    for (const r of JSON.parse(b.toString()).batch ?? []) ids.add(r.id ?? r.req?.id)
    stats.spanBytes += body.length
  } else {
    const p = path.replace(/[0-9a-f]{8}-[0-9a-f-]{27}/g, ':id')
    stats.other[p] = (stats.other[p] ?? 0) + 1
    stats.spanBytes += body.length
  }
}

// ------------------------------------------------------------------ the handshakes peers insist on
function answer(req, path, body) {
  const host = `http://${req.headers.host}`
  if (/\/api\/apikey\/login$/.test(path))
    // braintrust
    return { org_info: [{ id: '00000000-0000-0000-0000-000000000001', name: 'bench', api_url: host, proxy_url: host, git_metadata: null }] }
  if (/\/api\/project\/register$/.test(path))
    return { project: { id: '00000000-0000-0000-0000-000000000002', name: 'bench', org_id: '00000000-0000-0000-0000-000000000001' } }
  if (/\/version$/.test(path)) return { version: '1.1.0', commit: 'x', js_compat: true }
  if (/\/info$/.test(path) || path === '/info')
    // langsmith
    return {
      version: '0.10.0',
      batch_ingest_config: {
        use_multipart_endpoint: true,
        scale_up_qsize_trigger: 1000,
        scale_up_nthreads_limit: 16,
        scale_down_nempty_trigger: 4,
        size_limit: 100,
        size_limit_bytes: 20971520,
      },
      instance_flags: { gzip_body_enabled: true },
    }
  if (/session\/start$/.test(path))
    // honeyhive
    return { session_id: '00000000-0000-4000-8000-000000000003' }
  if (/graphql$/.test(path))
    // weave
    return {
      data: {
        viewer: { username: 'bench', defaultEntity: { name: 'bench' }, teams: { edges: [] } },
        upsertModel: { model: { name: 'bench', entityName: 'bench' }, project: { name: 'bench', entityName: 'bench' }, inserted: false },
      },
    }
  return {}
}

function serve(mode, delayMs) {
  let stats,
    kept,
    keptBytes,
    openNow = 0
  const reset = () => {
    stats = {
      requests: 0,
      wireBytes: 0,
      plainBytes: 0,
      spanBytes: 0,
      spans: 0,
      connections: stats?.connections ?? 0,
      other: {},
      encodings: {},
      bad: 0,
      _ids: new Set(),
    }
    kept = []
    keptBytes = 0
  }
  const drain = () => {
    for (const k of kept) {
      try {
        count(stats, k)
      } catch (e) {
        stats.bad++
        stats.lastBad = `${k.path}: ${e.message}`
      }
    }
    kept = []
    keptBytes = 0
  }
  reset()
  const samples = []
  const server = http.createServer({ keepAliveTimeout: 60_000, requestTimeout: 0, maxHeaderSize: 65536 }, (req, res) => {
    const path = req.url.split('?')[0]
    const chunks = []
    req.on('error', () => {})
    req.on('data', (c) => chunks.push(c))
    req.on('end', () => {
      const body = Buffer.concat(chunks)
      if (path.startsWith('/__bench/')) {
        const decoded = path.endsWith('spans') ? kept.flatMap(spansOf) : undefined
        drain()
        const counted = { ...stats, spans: stats.spans + stats._ids.size, _ids: undefined, open: openNow - 1 }
        const out = decoded ?? (path.endsWith('samples') ? samples : counted)
        if (path.endsWith('reset')) reset()
        res.setHeader('content-type', 'application/json')
        res.setHeader('connection', 'close')
        return res.end(JSON.stringify(out))
      }
      stats.requests++
      stats.wireBytes += body.length
      const enc = req.headers['content-encoding'] ?? '',
        ctype = req.headers['content-type'] ?? ''
      stats.encodings[`${ctype.split(';')[0]}${enc ? `+${enc}` : ''}`] =
        (stats.encodings[`${ctype.split(';')[0]}${enc ? `+${enc}` : ''}`] ?? 0) + 1
      if (samples.length < 12)
        samples.push({
          method: req.method,
          url: req.url,
          ctype,
          enc,
          te: req.headers['transfer-encoding'],
          len: body.length,
          body: plain({ enc, body }).toString('latin1').slice(0, 1500),
        })
      kept.push({ path, ctype, enc, body, key: req.headers.authorization ?? '' })
      keptBytes += body.length
      if (keptBytes > KEEP_BYTES) drain()
      const reply = () => {
        if (res.destroyed) return
        if (mode === '503') {
          res.statusCode = 503
          return res.end()
        }
        if (/protobuf/.test(ctype)) {
          res.setHeader('content-type', 'application/x-protobuf')
          return res.end()
        }
        res.setHeader('content-type', 'application/json')
        res.end(JSON.stringify(answer(req, path, body)))
      }
      const isData = /v1\/traces$|runs\/(multipart|batch)$|logs3$|(spans|traces)\/batch$|call\/upsert_batch$|calls\/complete$/.test(path)
      if (mode === 'slow' && isData) setTimeout(reply, delayMs)
      else reply()
    })
  })
  server.on('connection', (s) => {
    stats.connections++
    openNow++
    s.on('close', () => {
      openNow--
    })
  })
  server.listen(0, '127.0.0.1', () => process.send({ port: server.address().port }))
  process.on('disconnect', () => process.exit(0))
}

if (process.argv[2] === '--serve') serve(process.argv[3], Number(process.argv[4]))

/** Asks a sink: what = 'stats' | 'reset' | 'samples' | 'spans' (OTLP since the last question, decoded). Uses its own connection. */
export function askSink(endpoint, what) {
  return new Promise((resolve, reject) => {
    http
      .get(`${endpoint}/__bench/${what}`, { agent: false }, (res) => {
        let s = ''
        res.setEncoding('utf8')
        res.on('data', (c) => {
          s += c
        })
        res.on('end', () => resolve(JSON.parse(s)))
      })
      .on('error', reject)
  })
}
