import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import type { EventDetail } from '../../page-api/contract.js'
import { toPath, useApi } from '../model/api.js'
import { navigate, toHash } from '../model/route.js'
import { Failure, Loading } from '../parts/notice.js'

/** `#/events/<id>?project=<id>`: finds the session of an event and goes there. Two projects may hold the same event id. */
export function EventRedirect({ id, project }: { readonly id: string; readonly project: string | null }): JSX.Element {
  const event = useApi<EventDetail>(toPath(`/api/events/${encodeURIComponent(id)}`, { project }))
  useEffect(() => {
    if (event.data) navigate(toHash(['p', event.data.projectId, 'sessions', event.data.sessionId], { e: event.data.id }), { replace: true })
  }, [event.data])
  return event.error ? <Failure error={event.error} onRetry={event.reload} /> : <Loading what="the event" />
}
