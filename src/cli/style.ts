/** Colours for terminals; plain text where the output is piped or `NO_COLOR` is set. */
export interface Style {
  bold(text: string): string
  dim(text: string): string
  red(text: string): string
  green(text: string): string
  yellow(text: string): string
}

/** The style that fits `stream`. */
export function createStyle(stream: NodeJS.WriteStream = process.stdout): Style {
  // `hasColors` honours NO_COLOR and the kind of terminal.
  const isColoured = stream.isTTY === true && stream.hasColors()
  const paint = (open: number, close: number) => (text: string) => (isColoured ? `\u001b[${open}m${text}\u001b[${close}m` : text)
  return { bold: paint(1, 22), dim: paint(2, 22), red: paint(31, 39), green: paint(32, 39), yellow: paint(33, 39) }
}
