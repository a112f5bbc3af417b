import MarkdownIt, { type Token } from 'markdown-it'

/** A piece of Markdown, nested. Text is text: whoever shows it decides on the elements, and no HTML is ever made of it. */
export interface MarkdownNode {
  /** Name of the HTML element it means, `text`, `code`, `image`, or `` for what only holds others. */
  readonly tag: string
  readonly text: string
  /** Address of a link or an image, info string of a code block, number a list starts at. */
  readonly detail: string
  readonly children: readonly MarkdownNode[]
}

// Markup in the text of strangers stays text, and lines end where they were ended: it is chat, not a book.
const parser = new MarkdownIt({ html: false, linkify: true, breaks: true })
parser.linkify.set({ fuzzyLink: false, fuzzyEmail: false, fuzzyIP: false })
// Links are looked at where they are shown: one that may not be followed is still there to be read.
parser.validateLink = () => true

/** Reads Markdown; never throws. */
export function parseMarkdown(text: string): readonly MarkdownNode[] {
  try {
    return nest(parser.parse(text, {}))
  } catch {
    return [{ tag: 'text', text, detail: '', children: [] }]
  }
}

function nest(tokens: readonly Token[]): readonly MarkdownNode[] {
  const root: MarkdownNode[] = []
  const open: MarkdownNode[][] = [root]
  for (const token of tokens) {
    if (token.nesting < 0) {
      if (open.length > 1) open.pop()
      continue
    }
    if (token.type === 'inline') {
      open.at(-1)?.push(...nest(token.children ?? []))
      continue
    }
    const children: MarkdownNode[] = []
    open.at(-1)?.push(toNode(token, children))
    if (token.nesting > 0) open.push(children)
  }
  return root
}

function toNode(token: Token, children: readonly MarkdownNode[]): MarkdownNode {
  const { type, content, info } = token
  const attribute = (name: string): string => String(token.attrGet(name) ?? '')
  if (type === 'text') return { tag: 'text', text: content, detail: '', children }
  if (type === 'softbreak' || type === 'hardbreak') return { tag: 'br', text: '', detail: '', children }
  if (type === 'code_inline') return { tag: 'code', text: content, detail: '', children }
  if (type === 'fence' || type === 'code_block') return { tag: 'pre', text: content, detail: info.trim().split(/\s/)[0] ?? '', children }
  if (type === 'image') return { tag: 'image', text: content, detail: attribute('src'), children: [] }
  if (type === 'link_open') return { tag: 'a', text: '', detail: attribute('href'), children }
  // The paragraphs of a tight list are hidden: what they hold stands in the item itself.
  return { tag: token.hidden ? '' : token.tag, text: '', detail: attribute('start') || attribute('style'), children }
}
