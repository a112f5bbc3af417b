// Preloaded into every measured process but the cold-start ones: refuses any connection that is not loopback, and
// counts the attempts, so that 'nothing else is talked to' is enforced rather than hoped for.
const net = require('node:net')
const dns = require('node:dns')
const ok = (h) => !h || /^(127\.\d+\.\d+\.\d+|localhost|::1|\[::1\]|0\.0\.0\.0)$/i.test(h)
const seen = new Set()
globalThis.__benchRefused = seen
const refuse = (host) => {
  seen.add(String(host))
  const e = new Error(`bench: not loopback: ${host}`)
  e.code = 'ECONNREFUSED'
  return e
}
const connect = net.Socket.prototype.connect
net.Socket.prototype.connect = function (...args) {
  const o = Array.isArray(args[0]) ? args[0][0] : args[0]
  const host = typeof o === 'object' ? (o.path ? null : o.host) : typeof args[1] === 'string' ? args[1] : null
  if (!ok(host)) {
    process.nextTick(() => this.destroy(refuse(host)))
    return this
  }
  return connect.apply(this, args)
}
const lookup = dns.lookup
dns.lookup = function (host, ...rest) {
  if (!ok(host)) {
    const cb = rest.at(-1)
    process.nextTick(() => cb(refuse(host)))
    return {}
  }
  return lookup.call(this, host, ...rest)
}
const plookup = dns.promises.lookup
dns.promises.lookup = (host, ...rest) => (ok(host) ? plookup(host, ...rest) : Promise.reject(refuse(host)))
