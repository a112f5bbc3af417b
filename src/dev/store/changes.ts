/** What a change touched, told to viewers once it is committed. */
export interface Changes {
  event(projectId: number, sessionId: string, eventId: string): void
  session(projectId: number, sessionId: string): void
  run(projectId: number, runId: string): void
}

/** The changes of one commit. */
export interface CommittedChanges {
  /** Event ids by project, then session; a session without ids changed itself. */
  readonly sessions: ReadonlyMap<number, ReadonlyMap<string, ReadonlySet<string>>>
  readonly runs: readonly { readonly projectId: number; readonly runId: string }[]
}

/** Collects the changes of one commit. */
export function createChanges(): Changes & { take(): CommittedChanges } {
  const sessions = new Map<number, Map<string, Set<string>>>()
  const runs = new Map<string, { projectId: number; runId: string }>()

  function eventsOf(projectId: number, sessionId: string): Set<string> {
    const ofProject = sessions.get(projectId) ?? new Map<string, Set<string>>()
    sessions.set(projectId, ofProject)
    const ids = ofProject.get(sessionId) ?? new Set<string>()
    ofProject.set(sessionId, ids)
    return ids
  }

  return {
    event: (projectId, sessionId, eventId) => void eventsOf(projectId, sessionId).add(eventId),
    session: (projectId, sessionId) => void eventsOf(projectId, sessionId),
    run: (projectId, runId) => void runs.set(runId, { projectId, runId }),
    take: () => ({ sessions, runs: [...runs.values()] }),
  }
}
