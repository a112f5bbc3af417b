/** Prints what a project received as a tree, with inputs, outputs, tokens, session and links. */
import type { DevServer } from 'honeyhive-tracer/dev'

type Node = ReturnType<DevServer['tree']>[number]

/** Prints every project; false when one of them received nothing. */
export function printProjects(server: DevServer, projects: readonly string[]): boolean {
  let isComplete = true
  for (const project of projects) {
    const sessions = server.sessions({ project })
    console.log(`\n■ ${project}`)
    if (sessions.length === 0) {
      console.log('  (nothing arrived)')
      isComplete = false
    }
    for (const session of sessions) {
      console.log(
        `  session "${session.name}" ${session.id.slice(0, 8)} · source ${session.source} · ${session.events} events · ${session.totalTokens} tokens`,
      )
      for (const root of server.tree(session.id, { project })) printNode(root, '  ', true)
    }
  }
  return isComplete
}

function printNode(event: Node, indent: string, isLast: boolean): void {
  const facts = [
    `${event.type} ${event.name}`,
    ...(event.model === null ? [] : [event.model]),
    ...(event.totalTokens === 0 ? [] : [`${event.totalTokens} tokens`]),
    `${event.durationMs.toFixed(1)} ms`,
  ]
  console.log(`${indent}${isLast ? '└─' : '├─'} ${facts.join(' · ')}`)
  const inner = `${indent}${isLast ? '   ' : '│  '}`
  console.log(`${inner}  in  ${shorten(event.inputs)}`)
  console.log(`${inner}  out ${shorten(event.outputs)}`)
  for (const link of event.linked) {
    const arrow = link.direction === 'to' ? 'opened inside' : 'contains'
    console.log(`${inner}  ⇄ ${arrow} ${link.event === null ? `span ${link.spanId}` : `"${link.event.name}"`} of another tracer`)
  }
  for (const [i, child] of event.children.entries()) printNode(child, inner, i === event.children.length - 1)
}

function shorten(value: unknown): string {
  const text = JSON.stringify(value)
  return text.length > 110 ? `${text.slice(0, 107)}…` : text
}
