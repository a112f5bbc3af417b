import { types } from 'node:util'
import { reflectApply } from './builtins.js'

const { getOwnPropertyDescriptor } = Object

/** V8's own words. */
const STACK_USED_UP = 'Maximum call stack size exceeded'

/**
 * What takes 12 KiB of the stack. V8 ends the process where an expression that is not compiled yet is used with less than about 3 KiB
 * ("RegExpCompiler Allocation failed"); the rest is for the calls in between.
 */
const FRAMES: readonly undefined[] = new Array<undefined>(1500).fill(undefined)

/**
 * Throws what any call throws where the stack is used up, while there is still some left. Stands before expressions that are used on the
 * stack of the host, and costs two microseconds.
 */
export function needStackRoom(): void {
  reflectApply(takeNothing, undefined, FRAMES)
}

/** Whether {@link needStackRoom} would not throw. */
export function hasStackRoom(): boolean {
  try {
    needStackRoom()
    return true
  } catch {
    return false
  }
}

function takeNothing(): void {
  // That it was called is all there is to know.
}

/** Whether an error says that a call found no room on the stack. */
export function isStackUsedUp(error: unknown): boolean {
  return types.isNativeError(error) && getOwnPropertyDescriptor(error, 'message')?.value === STACK_USED_UP
}
