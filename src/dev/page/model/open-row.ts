import { navigate } from './route.js'

/** A click anywhere in a row opens it, unless it was on something else or to select text. */
export function openRow(event: MouseEvent, href: string): void {
  const target = event.target as Element
  if (target.closest('a, button, input, label') || getSelection()?.toString()) return
  if (event.ctrlKey || event.metaKey) open(href, '_blank', 'noopener')
  else navigate(href)
}
