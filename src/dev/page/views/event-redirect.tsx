import type { JSX } from 'preact'
import { useEffect } from 'preact/hooks'
import type { EventDetail } from '../../page-api.js'
import { useApi } from '../model/api.js'
import { navigate, toHash } from '../model/route.js'
import { Failure, Loading } from '../parts/notice.js'

/** `#/events/<id>`: finds the session of an event and goes there. */
export function EventRedirect({ id }: { readonly id: string }): JSX.Element {
  const event = useApi<EventDetail>(`/api/events/${encodeURIComponent(id)}`)
  useEffect(() => {
    if (event.data) navigate(toHash(['p', event.data.projectId, 'sessions', event.data.sessionId], { e: event.data.id }), { replace: true })
  }, [event.data])
  return event.error ? <Failure error={event.error} onRetry={event.reload} /> : <Loading what="the event" />
}
