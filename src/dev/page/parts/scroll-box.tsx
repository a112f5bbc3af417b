import type { ComponentChildren, JSX } from 'preact'

/** A table that may be wider than its place and holds nothing to focus: it is reached with the keyboard itself. */
export function ScrollBox({ label, children }: { readonly label: string; readonly children: ComponentChildren }): JSX.Element {
  return (
    // biome-ignore lint/a11y/useSemanticElements: a table that scrolls is no set of fields
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reached with the keyboard
    <div class="table-box" role="group" tabIndex={0} aria-label={label}>
      {children}
    </div>
  )
}
