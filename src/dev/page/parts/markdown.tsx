import type { ComponentChildren, JSX } from 'preact'
import { useMemo, useState } from 'preact/hooks'
import { toSafeHref } from '../model/links.js'
import { type MarkdownNode, parseMarkdown } from '../model/markdown.js'
import { CopyButton } from './copy.js'
import { MediaView } from './media.js'
import { ScrollBox } from './scroll-box.js'

/** Text up to here is shown at once, and as Markdown however long it is unfolded. */
const FIRST_CHARS = 6000
/** Beyond, reading it as Markdown would hold up the page. */
const MOST_CHARS = 100_000

/** Text as its author meant it; a long one is cut until asked for. Nothing in it becomes HTML, and nothing is loaded. */
export function Markdown({ text }: { readonly text: string }): JSX.Element {
  const [isOpen, setOpen] = useState(false)
  const isLong = text.length > FIRST_CHARS * 1.2
  const shown = isLong && !isOpen ? cutAtLine(text, FIRST_CHARS) : text
  const nodes = useMemo(() => (shown.length > MOST_CHARS ? null : parseMarkdown(shown)), [shown])
  return (
    <div class="markdown">
      {nodes === null ? <pre class="plain">{shown}</pre> : toElements(nodes)}
      {isLong && (
        <button type="button" class="text-button" aria-expanded={isOpen} onClick={() => setOpen(!isOpen)}>
          {isOpen ? 'less' : `all ${text.length.toLocaleString('en-US')} characters`}
        </button>
      )}
    </div>
  )
}

function cutAtLine(text: string, most: number): string {
  const end = text.lastIndexOf('\n', most)
  return `${text.slice(0, end > most / 2 ? end : most)} …`
}

/** Elements that hold nothing but other pieces. */
const PLAIN = new Set(['p', 'em', 'strong', 's', 'ul', 'ol', 'li', 'blockquote', 'thead', 'tbody', 'tr', 'th', 'td'])

function toElements(nodes: readonly MarkdownNode[]): ComponentChildren {
  return nodes.map((node, index) => <Piece key={index} node={node} />)
}

function Piece({ node }: { readonly node: MarkdownNode }): JSX.Element {
  const { tag, text, detail, children } = node
  if (tag === 'text') return <>{text}</>
  if (tag === 'br' || tag === 'hr') return tag === 'br' ? <br /> : <hr />
  if (tag === 'code') return <code>{text}</code>
  if (tag === 'pre') return <CodeBlock code={text} language={detail} />
  if (tag === 'image') return <MediaView kind="image" url={detail} name={text || null} mimeType={null} />
  if (tag === 'a') return <Link href={detail}>{toElements(children)}</Link>
  if (tag === 'table')
    return (
      <ScrollBox label="Table">
        <table>{toElements(children)}</table>
      </ScrollBox>
    )
  // A heading of a message is none of the page: its outline is not a stranger's to change.
  if (/^h[1-6]$/.test(tag)) return <p class={`heading is-${tag}`}>{toElements(children)}</p>
  if (tag === 'ol' && /^\d{1,9}$/.test(detail)) return <ol start={Number(detail)}>{toElements(children)}</ol>
  if (!PLAIN.has(tag)) return <>{toElements(children)}</>
  const side = /^text-align:(right|center)$/.exec(detail)?.[1]
  const Element = tag as 'p'
  return <Element {...(side ? { class: `is-${side}` } : {})}>{toElements(children)}</Element>
}

/** A link that a click may follow, into a window of its own that does not know where it came from. */
function Link({ href, children }: { readonly href: string; readonly children: ComponentChildren }): JSX.Element {
  const target = toSafeHref(href)
  if (target === null)
    return (
      <span class="unfollowed" title={`Not followed: ${href.slice(0, 200)}`}>
        {children}
      </span>
    )
  return (
    <a href={target} target="_blank" rel="noopener noreferrer nofollow" title={target}>
      {children}
    </a>
  )
}

function CodeBlock({ code, language }: { readonly code: string; readonly language: string }): JSX.Element {
  return (
    <div class="code">
      <div class="code-head">
        <span class="mono dim">{language || 'text'}</span>
        <CopyButton text={code} label="Copy the code" />
      </div>
      {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached with the keyboard */}
      <pre tabIndex={0}>{code.replace(/\n$/, '')}</pre>
    </div>
  )
}
