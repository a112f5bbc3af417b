/** What a part of a message may be besides text. */
export type MediumKind = 'image' | 'audio' | 'video' | 'file'

/** Media types a browser shows in place without running anything of theirs. */
const SHOWN: Readonly<Record<MediumKind, RegExp | null>> = {
  image: /^data:image\/(png|jpe?g|gif|webp|avif|bmp|svg\+xml)[;,]/i,
  audio: /^data:audio\/[\w.+-]+[;,]/i,
  video: /^data:video\/[\w.+-]+[;,]/i,
  file: null,
}

/** Whether a medium may be shown in place: its bytes are here, so nothing is fetched from anywhere. */
export function isShownInPlace(kind: MediumKind, url: string): boolean {
  return SHOWN[kind]?.test(url) ?? false
}

/** An address that a click may open, as it would be opened; null for scripts, files and whatever else is none. */
export function toSafeHref(href: string): string | null {
  try {
    const url = new URL(href)
    return url.protocol === 'https:' || url.protocol === 'http:' || url.protocol === 'mailto:' ? url.href : null
  } catch {
    return null
  }
}

/** The address in short: the host of a remote one, the type of one that holds its bytes. */
export function toPlace(url: string): string {
  if (url.startsWith('data:')) return /^data:([^;,]*)/.exec(url)?.[1] ?? 'data'
  try {
    return new URL(url).host || url.slice(0, 60)
  } catch {
    return url.slice(0, 60)
  }
}

/** About how many bytes the base64 of a `data:` address holds. */
export function toByteCount(url: string): number {
  return Math.floor(((url.length - url.indexOf(',') - 1) * 3) / 4)
}
