import { outcomesOf } from '../builtins.js'
import { withinMs } from '../time.js'
import { ExchangeError, type Reply } from './exchange.js'

/** Gives the key that is valid now. */
export type AskKey = () => string | PromiseLike<string>

/** Settings of {@link ApiKey}. */
export interface ApiKeyOptions {
  /** The key as it was given. @defaultValue what `ask` gives at the first use */
  readonly known: string | undefined
  /** Asked at the first use without a known key, and again when the server refuses the key. @defaultValue the key never changes */
  readonly ask: AskKey | undefined
  /** Sees each key that `ask` gives before it is used, so that it can be masked. */
  readonly onKey?: ((key: string) => void) | undefined
}

/** Longest wait for an answer, milliseconds: the limit of one request. */
const ASK_LIMIT_MS = 10_000
/** What a header can carry of a key, as the option `apiKey` takes it. */
const PRINTABLE = /^[\x20-\x7e\xa0-\xff]+$/

/** The key of one tracer, which may change while it runs. */
export class ApiKey {
  readonly #options: ApiKeyOptions
  #key: string | undefined
  #asking: Promise<string> | undefined

  constructor(options: ApiKeyOptions) {
    this.#options = options
    this.#key = options.known
  }

  /** Whether a key that is refused may be followed by another. */
  get isRenewable(): boolean {
    return this.#options.ask !== undefined
  }

  /**
   * The key to use now; `undefined` for a tracer without one.
   *
   * @throws ExchangeError when the function that is asked gives none. What it threw is not passed on: it may quote the key.
   */
  async read(): Promise<string | undefined> {
    if (this.#key === undefined && this.#options.ask !== undefined) await this.#renew(this.#options.ask)
    return this.#key
  }

  /** Asks again after the server refused a key. @returns whether there is another one now; never rejects. */
  async renew(refused: string | undefined): Promise<boolean> {
    const { ask } = this.#options
    if (ask === undefined) return false
    try {
      // Requests that were under way with the old key find the new one here.
      if (this.#key === refused) await this.#renew(ask)
      return this.#key !== refused
    } catch {
      return false
    }
  }

  /** One question at a time, however many requests wait for the answer. */
  async #renew(ask: AskKey): Promise<void> {
    this.#asking ??= this.#askOnce(ask)
    this.#key = await this.#asking
    this.#options.onKey?.(this.#key)
  }

  async #askOnce(ask: AskKey): Promise<string> {
    try {
      return await askWithin(ask)
    } finally {
      this.#asking = undefined
    }
  }
}

async function askWithin(ask: AskKey): Promise<string> {
  let answer: unknown
  const asked = async (): Promise<void> => {
    await undefined
    answer = await ask()
  }
  const [outcome] = await outcomesOf([withinMs(asked(), ASK_LIMIT_MS)])
  const key = typeof answer === 'string' ? answer.trim() : ''
  if (outcome?.status === 'fulfilled' && outcome.value && PRINTABLE.test(key)) return key
  throw new ExchangeError('network', 'the function given as `apiKey` gave no key')
}

/**
 * Makes one request, and once more where the server refuses the key and there is another one by then.
 *
 * @param source where the key comes from; `undefined` for a request without one.
 */
export async function sendWithKey(source: ApiKey | undefined, send: (key: string | undefined) => Promise<Reply>): Promise<Reply> {
  const key = await source?.read()
  const reply = await send(key)
  if (source === undefined || !isKeyRefused(reply.status) || !(await source.renew(key))) return reply
  return await send(await source.read())
}

/** Whether a reply says that the key is not, or no longer, good. */
export function isKeyRefused(status: number): boolean {
  return status === 401 || status === 403
}
