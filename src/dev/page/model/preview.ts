const PREVIEW_CHARS = 140

/** A value in one short line: the only value of an object, or its JSON. */
export function toPreview(value: unknown): string {
  if (value === null || value === undefined) return ''
  if (typeof value === 'string') return value.slice(0, PREVIEW_CHARS)
  if (typeof value !== 'object') return String(value)
  const values = Object.values(value)
  if (values.length === 1) return toPreview(values[0])
  const content = (value as { content?: unknown }).content
  if (typeof content === 'string') return content.slice(0, PREVIEW_CHARS)
  return JSON.stringify(value).slice(0, PREVIEW_CHARS)
}
