import { noFields } from '../options/fields.js'

/** Variables by name. */
type Variables = Readonly<Record<string, string | undefined>>

/**
 * The variables of this process. What is missing, refuses to be read or is none of its own (a polluted `Object.prototype`) counts as not
 * set: the environment is the host's, and nothing of it may keep a program from starting.
 */
export function readProcessEnv(): Variables {
  return new Proxy(NO_VARIABLES, { get: (_, name) => (typeof name === 'string' ? readOne(name) : undefined) })
}

/**
 * {@link readProcessEnv} with these variables alone, for what is read with every tracer: a look for each of those that are not set would
 * cost more than the rest of its settings.
 */
export function readProcessEnvOf(wanted: ReadonlySet<string>): Variables {
  const names = readNames()
  if (names === undefined) return readProcessEnv()
  const found = noFields() as Record<string, string | undefined>
  for (const name of names) if (wanted.has(name as string)) found[name as string] = readOne(name as string)
  return found
}

/** Which variables are set; `undefined` where that cannot be told: Windows finds them in any spelling, and a host may hide the list. */
function readNames(): readonly (string | symbol)[] | undefined {
  try {
    return process.platform === 'win32' ? undefined : Reflect.ownKeys(process.env)
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
