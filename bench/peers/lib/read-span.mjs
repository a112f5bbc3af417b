// Reading a span back the way its server does.
const parsed = (text) => {
  try {
    return JSON.parse(text)
  } catch {
    return text
  }
}
/** JSON as a server shows it; undefined when there is none. */
export const readJson = (text) => (typeof text === 'string' ? parsed(text) : text)

const isDenseList = (node) => Object.keys(node).length > 0 && Object.keys(node).every((key, i) => key === String(i))
function toLists(node) {
  if (node === null || typeof node !== 'object' || Array.isArray(node)) return node
  for (const key of Object.keys(node)) node[key] = toLists(node[key])
  return isDenseList(node) ? Object.values(node) : node
}

/** The value whose parts stand under `prefix` and `prefix.*`: dots nest, index keys make a list, JSON of a list or an object is read. */
export function readFlat(attributes, prefix) {
  if (prefix in attributes) {
    const whole = attributes[prefix]
    return typeof whole === 'string' && /^[[{]/.test(whole) ? parsed(whole) : whole
  }
  const tree = {}
  const entries = Object.entries(attributes).filter(([key]) => key.startsWith(`${prefix}.`))
  for (const [key, value] of entries) {
    const path = key.slice(prefix.length + 1).split('.')
    let node = tree
    for (const step of path.slice(0, -1)) {
      if (node[step] === null || typeof node[step] !== 'object') node[step] = {}
      node = node[step]
    }
    node[path.at(-1)] = typeof value === 'string' && /^[[{]/.test(value) ? parsed(value) : value
  }
  return entries.length > 0 ? toLists(tree) : undefined
}
