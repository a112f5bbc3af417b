import { useEffect, useState } from 'preact/hooks'

/** `system` follows `prefers-color-scheme`. */
export type Theme = 'system' | 'dark' | 'light'

const PREFIX = 'hive.'
const THEME_CHANGE = 'hive:theme'

/** Reads a remembered choice; storage may be switched off. */
export function readSetting(name: string): string | null {
  try {
    return localStorage.getItem(PREFIX + name)
  } catch {
    return null
  }
}

/** Remembers a choice where storage is allowed. */
export function writeSetting(name: string, value: string): void {
  try {
    localStorage.setItem(PREFIX + name, value)
  } catch {
    return
  }
}

/** The chosen theme. */
export function readTheme(): Theme {
  const theme = readSetting('theme')
  return theme === 'dark' || theme === 'light' ? theme : 'system'
}

/** Applies a theme to the page and remembers it. */
export function applyTheme(theme: Theme): void {
  writeSetting('theme', theme)
  if (theme === 'system') delete document.documentElement.dataset['theme']
  else document.documentElement.dataset['theme'] = theme
  dispatchEvent(new Event(THEME_CHANGE))
}

/** A number that changes whenever colours do: pass it to effects that draw on a canvas. */
export function useThemeVersion(): number {
  const [version, setVersion] = useState(0)
  useEffect(() => {
    const bump = (): void => setVersion((old) => old + 1)
    const media = matchMedia('(prefers-color-scheme: dark)')
    addEventListener(THEME_CHANGE, bump)
    media.addEventListener('change', bump)
    return () => {
      removeEventListener(THEME_CHANGE, bump)
      media.removeEventListener('change', bump)
    }
  }, [])
  return version
}

/** The colour a custom property has right now, for canvas drawing. */
export function readColour(name: string): string {
  const probe = document.createElement('i')
  probe.style.color = `var(${name})`
  document.body.append(probe)
  const colour = getComputedStyle(probe).color
  probe.remove()
  return colour
}
