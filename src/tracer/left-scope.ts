import type { Scope } from '../context/frame.js'
import { enterScope, leaveScope } from '../context/scope.js'
import { leaveContext, type LeftContext, NEEDS_CALLBACK } from '../provider/host.js'
import { NEEDS_RUN } from '../wrap/recorder.js'

/** What was current before a call: mostly a scope alone. */
export type Left = Scope | undefined | LeftBoth

class LeftBoth {
  readonly scope: Scope | undefined
  readonly context: LeftContext

  constructor(scope: Scope | undefined, context: LeftContext) {
    this.scope = scope
    this.context = context
  }
}

/**
 * Enters `scope` beside the OpenTelemetry context that was entered before.
 *
 * @param isPartEnough see {@link Recording.enter}.
 */
export function enterWith(
  scope: Scope | undefined,
  context: LeftContext | typeof NEEDS_CALLBACK | undefined,
  isPartEnough: boolean,
): Left | typeof NEEDS_RUN {
  if (context === undefined) return enterScope(scope)
  if (context !== NEEDS_CALLBACK) return new LeftBoth(enterScope(scope), context)
  return isPartEnough ? enterScope(scope) : NEEDS_RUN
}

/** Makes current again what was before {@link enterWith}. */
export function leaveFor(before: Left): void {
  if (!(before instanceof LeftBoth)) return leaveScope(before)
  leaveContext(before.context)
  leaveScope(before.scope)
}
