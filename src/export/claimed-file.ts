import { renameSync, rmSync, writeFileSync } from 'node:fs'
import { join } from 'node:path'
import { unixMs } from '../builtins.js'
import { CLAIM_RENEWAL_MS, toClaimedName, toFreeName, UNFINISHED_PREFIX } from './spool-file.js'

/** A spool file that this process alone sends: renaming succeeds for one process only. */
export class ClaimedFile {
  readonly #directory: string
  readonly #name: string
  #claimedMs: number
  #path: string

  /** @throws Error of Node, with `ENOENT` when another process took the file first. */
  constructor(directory: string, name: string) {
    this.#directory = directory
    this.#name = name
    this.#claimedMs = unixMs()
    this.#path = this.#toPath(this.#claimedMs)
    renameSync(join(directory, name), this.#path)
  }

  /** Where it is now. */
  get path(): string {
    return this.#path
  }

  /** Keeps the claim young while the process is at work. */
  renew(nowMs: number = unixMs()): void {
    if (Math.abs(nowMs - this.#claimedMs) < CLAIM_RENEWAL_MS) return
    this.#claimedMs = nowMs
    this.#moveTo(this.#toPath(nowMs))
  }

  /** Leaves the file to others, as it is. */
  giveBack(): void {
    this.#moveTo(join(this.#directory, toFreeName(this.#name)))
  }

  /** Leaves what was not sent to others, as a file of this name. */
  giveBackRest(name: string, text: string): void {
    const temporary = join(this.#directory, `${UNFINISHED_PREFIX}${name}`)
    try {
      writeFileSync(temporary, text, { mode: 0o600, flag: 'wx' })
      // In its place, so that at no moment both are there.
      renameSync(temporary, this.#path)
      this.#moveTo(join(this.#directory, name))
    } catch {
      // There is no room for it: then what was sent is sent once more.
      rmSync(temporary, { force: true })
      this.giveBack()
    }
  }

  remove(): void {
    rmSync(this.#path, { force: true })
  }

  #moveTo(path: string): void {
    try {
      renameSync(this.#path, path)
      this.#path = path
    } catch {
      // Removed under us: there is nothing left to move.
    }
  }

  #toPath(nowMs: number): string {
    return join(this.#directory, toClaimedName(this.#name, nowMs))
  }
}
