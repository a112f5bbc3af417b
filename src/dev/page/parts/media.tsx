import type { JSX } from 'preact'
import { useState } from 'preact/hooks'
import { isShownInPlace, type MediumKind, toByteCount, toPlace, toSafeHref } from '../model/links.js'
import { Icon } from './glyph.js'

interface MediaProps {
  readonly kind: MediumKind
  readonly url: string | null
  readonly name: string | null
  readonly mimeType: string | null
}

/** An image, a sound or a file. What came along is shown; what lies elsewhere is only opened by a click, never fetched. */
export function MediaView({ kind, url, name, mimeType }: MediaProps): JSX.Element {
  const [isBroken, setBroken] = useState(false)
  const label = name ?? (kind === 'file' ? (mimeType ?? 'file') : kind)
  if (url === null) return <span class="chip">{`${kind} ${label === kind ? '' : label} (not sent along)`.replace('  ', ' ')}</span>
  if (!url.startsWith('data:')) return <RemoteMedium kind={kind} url={url} label={label} />
  if (isBroken || !isShownInPlace(kind, url)) return <StoredFile url={url} label={label} isBroken={isBroken} />
  const fail = (): void => setBroken(true)
  // biome-ignore lint/a11y/useMediaCaption: recordings of conversations come without captions; their words stand beside them
  if (kind === 'audio') return <audio class="medium" controls preload="metadata" src={url} onError={fail} aria-label={label} />
  // biome-ignore lint/a11y/useMediaCaption: as above
  if (kind === 'video') return <video class="medium" controls preload="metadata" src={url} onError={fail} aria-label={label} />
  return <img class="medium" src={url} alt={label} onError={fail} />
}

function RemoteMedium({ kind, url, label }: { readonly kind: string; readonly url: string; readonly label: string }): JSX.Element {
  const href = toSafeHref(url)
  const text = label === kind ? `${kind} at ${toPlace(url)}` : `${label} (${kind} at ${toPlace(url)})`
  if (href === null) return <span class="chip">{text}</span>
  return (
    <a class="chip is-link" href={href} target="_blank" rel="noopener noreferrer nofollow" title={`Opens ${href} in a new window`}>
      <Icon name="out" /> {text}
    </a>
  )
}

function StoredFile({ url, label, isBroken }: { readonly url: string; readonly label: string; readonly isBroken: boolean }): JSX.Element {
  return (
    <button type="button" class="chip is-link" onClick={() => save(url, label)}>
      <Icon name="save" /> {isBroken ? 'Cannot be shown: save ' : 'Save '}
      {label} ({toPlace(url)}, {Math.max(1, Math.round(toByteCount(url) / 1024)).toLocaleString('en-US')} KB)
    </button>
  )
}

/** Hands over the bytes of a `data:` address as a file; the browser never opens them as a page. */
function save(url: string, name: string): void {
  const [head = '', body = ''] = [url.slice(0, url.indexOf(',')), url.slice(url.indexOf(',') + 1)]
  const address = URL.createObjectURL(new Blob([toBytes(body, /;base64$/i.test(head))], { type: 'application/octet-stream' }))
  const link = document.createElement('a')
  link.href = address
  link.download = name.replace(/[/\\:]/g, '_')
  link.click()
  setTimeout(() => URL.revokeObjectURL(address), 1000)
}

function toBytes(body: string, isBase64: boolean): Uint8Array<ArrayBuffer> {
  try {
    return isBase64 ? Uint8Array.from(atob(body), (char) => char.charCodeAt(0)) : new TextEncoder().encode(decodeURIComponent(body))
  } catch {
    // Cut or damaged: what is there is still worth having.
    return new TextEncoder().encode(body)
  }
}
