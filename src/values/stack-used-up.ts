import { types } from 'node:util'

const { getOwnPropertyDescriptor } = Object

/** V8's own words. */
const STACK_USED_UP = 'Maximum call stack size exceeded'

/** Whether an error says that a call found no room on the stack. */
export function isStackUsedUp(error: unknown): boolean {
  return types.isNativeError(error) && getOwnPropertyDescriptor(error, 'message')?.value === STACK_USED_UP
}
