import { NativeSet } from '../natives.js'

/** Variables by name. */
type Variables = Readonly<Record<string, string | undefined>>

/**
 * The variables of this process. What is missing, refuses to be read or is none of its own (a polluted `Object.prototype`) counts as not
 * set: the environment is the host's, and nothing of it may keep a program from starting.
 */
export function readProcessEnv(): Variables {
  // Read as they are asked for: a copy of all would cost each tracer more than the rest of its settings, and so would a look for each of
  // those that are not set.
  const names = readNames()
  const isSet = (name: string | symbol): name is string => typeof name === 'string' && names?.has(name) !== false
  return new Proxy(NO_VARIABLES, { get: (_, name) => (isSet(name) ? readOne(name) : undefined) })
}

/** Which variables are set; `undefined` where that cannot be told: Windows finds them in any spelling, and a host may hide the list. */
function readNames(): ReadonlySet<string | symbol> | undefined {
  try {
    return process.platform === 'win32' ? undefined : new NativeSet(Reflect.ownKeys(process.env))
  } catch {
    return undefined
  }
}

/** All of {@link readProcessEnv}, for a program that is started. */
export function readAllOfProcessEnv(): Variables {
  try {
    return { ...process.env }
  } catch {
    // There is no environment, or it lets nobody look.
    return NO_VARIABLES
  }
}

const NO_VARIABLES: Variables = Object.freeze(Object.create(null) as Record<string, undefined>)

function readOne(name: string): string | undefined {
  try {
    const value: unknown = process.env[name]
    // Each look asks the system, and most are for what is not set: whose it is, is asked of what is there.
    return typeof value === 'string' && Object.hasOwn(process.env, name) ? value : undefined
  } catch {
    // A variable that may not be read is not set.
    return undefined
  }
}
