import { useEffect, useMemo, useState } from 'preact/hooks'
import type { FoundEvent, SessionMatches } from '../../page-api/contract.js'
import { toPath, useApi } from './api.js'

const SETTLE_MS = 250
/** Fewer letters stand in nearly everything. */
const LEAST_LETTERS = 2

/** What is sought in a session: the text, and the events that hold it in what they took, gave or carry along. */
export interface Find {
  readonly text: string
  readonly setText: (text: string) => void
  readonly inside: ReadonlyMap<string, FoundEvent>
  /** Whether the server still looks. */
  readonly isLooking: boolean
}

/** Asks the server a moment after the last key; `version` changes when the session does. */
export function useFind(project: string, sessionId: string, version: unknown): Find {
  const [text, setText] = useState('')
  const [sought, setSought] = useState('')
  const wanted = text.trim().length < LEAST_LETTERS ? '' : text.trim()
  useEffect(() => {
    const timer = setTimeout(() => setSought(wanted), SETTLE_MS)
    return () => clearTimeout(timer)
  }, [wanted])
  const path = sought === '' ? null : toPath(`/api/sessions/${encodeURIComponent(sessionId)}/search`, { project, q: sought })
  const found = useApi<SessionMatches>(path, { version })
  const inside = useMemo(
    () => new Map(sought === wanted ? (found.data?.matches ?? []).map((match) => [match.id, match]) : []),
    [found.data, sought, wanted],
  )
  return { text, setText, inside, isLooking: wanted !== '' && (sought !== wanted || found.isLoading) }
}
