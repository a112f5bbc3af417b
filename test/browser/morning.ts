/** The made-up morning in a server, and where things of it are found. */
import type { DevServer } from '../../src/dev/server.js'
import { sendSpans, sendTraffic } from './send.js'
import { createTraffic, toUuid, type Traffic } from './traffic.js'

/** What was sent, and addresses of the page that show it. */
export interface Morning {
  readonly traffic: Traffic
  sessionOf(key: string): Traffic['sessions'][number]
  /** The address of a session, or of an event in it. */
  hashOf(key: string, eventKey?: string): string
  /** Id of the process that ran several tracers. */
  mainProcessId(): Promise<string>
}

/** Sends the morning, with a session of `largeEvents` events in it, and what a tracer says it lost. */
export async function sendMorning(server: DevServer, { largeEvents }: { readonly largeEvents: number }): Promise<Morning> {
  const traffic = createTraffic(Date.now(), { largeEvents })
  const sessionOf = (key: string): Traffic['sessions'][number] => {
    const session = traffic.sessions.find((one) => one.id === toUuid(key))
    if (!session) throw new Error(`no session ${key}`)
    return session
  }
  await sendTraffic(server.url, traffic)
  const [first] = sessionOf('chat-1040').spans
  await sendSpans(server.url, sessionOf('chat-1040'), first ? [first] : [], new Map(), {
    'hh-client-dropped': 'queueFull=1204;filtered=310;tooLarge=3',
  })
  return {
    traffic,
    sessionOf,
    hashOf(key, eventKey) {
      const project = server.projects().find(({ name }) => name === sessionOf(key).project)
      return `#/p/${project?.id}/sessions/${toUuid(key)}${eventKey === undefined ? '' : `?e=${toUuid(eventKey)}`}`
    },
    async mainProcessId() {
      const answer = (await (await fetch(`${server.url}/api/processes`)).json()) as { processes: { id: string; pid: number }[] }
      return answer.processes.find((one) => one.pid === 4711)?.id ?? ''
    },
  }
}
