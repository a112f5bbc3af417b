/** Longest head of a function that is read, characters. */
const MAX_HEAD = 4_096
const NAME = /^(?:\.\.\.)?([A-Za-z_$][\w$]*)\s*(?:=[\s\S]*)?$/

/**
 * Names of a function's parameters, as its text has them; `undefined` for each that has none of its own (a pattern). The old package recorded
 * arguments under these names, so what reads them expects them.
 */
export function readParameterNames(fn: (...input: never[]) => unknown): readonly (string | undefined)[] {
  const text = Function.prototype.toString.call(fn).slice(0, MAX_HEAD)
  const single = /^(?:async\s+)?([A-Za-z_$][\w$]*)\s*=>/.exec(text)
  if (single !== null) return [single[1]]
  const start = text.indexOf('(')
  return start === -1 ? [] : splitParameters(text, start + 1).map((parameter) => NAME.exec(parameter)?.[1])
}

/** The texts between the commas of the list that begins at `start`; none where it does not end. */
function splitParameters(text: string, start: number): readonly string[] {
  const found: string[] = []
  let depth = 0
  let from = start
  for (let at = start; at < text.length; at++) {
    const mark = text[at] ?? ''
    if (depth === 0 && (mark === ',' || mark === ')')) {
      const parameter = text
        .slice(from, at)
        .replace(/\/\*[\s\S]*?\*\/|\/\/.*/g, '')
        .trim()
      if (parameter !== '') found.push(parameter)
      if (mark === ')') return found
      from = at + 1
    } else if ('([{'.includes(mark)) depth++
    else if (')]}'.includes(mark)) depth--
    else if ('\'"`'.includes(mark)) at = text.indexOf(mark, at + 1) === -1 ? text.length : text.indexOf(mark, at + 1)
  }
  return []
}
