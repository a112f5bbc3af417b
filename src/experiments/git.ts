import { execFile } from 'node:child_process'

/** What is known of the code a run was made with. */
export interface GitContext {
  readonly commit_hash: string
  readonly commit_hash_short: string
  readonly branch?: string
  readonly commit_message?: string
  readonly author_name?: string
  /** Without user name, password or token. */
  readonly remote_url?: string
  readonly is_dirty: boolean
}

const GIT_TIMEOUT_MS = 5_000

/** Reads the repository the process runs in; `undefined` outside one, without git, or after 5 s. Never the e-mail. */
export async function readGitContext(directory: string = process.cwd()): Promise<GitContext | undefined> {
  const [head, branch, remote, status] = await Promise.all([
    git(directory, ['log', '-1', '--format=%H%n%h%n%an%n%s']),
    git(directory, ['rev-parse', '--abbrev-ref', 'HEAD']),
    git(directory, ['remote', 'get-url', 'origin']),
    git(directory, ['status', '--porcelain', '--untracked-files=no']),
  ])
  const [hash, short, author, ...message] = head?.split('\n') ?? []
  if (hash === undefined || short === undefined) return undefined
  return {
    commit_hash: hash,
    commit_hash_short: short,
    ...(branch === undefined ? {} : { branch }),
    commit_message: message.join('\n'),
    ...(author === undefined ? {} : { author_name: author }),
    ...(remote === undefined ? {} : { remote_url: withoutCredentials(remote) }),
    is_dirty: status !== undefined && status !== '',
  }
}

/** A remote address without what stands before the `@`, and without its query. */
export function withoutCredentials(remote: string): string {
  const match = /^([a-z][a-z0-9+.-]*:\/\/)(?:[^/]*@)?([^?#]*)/i.exec(remote)
  if (match !== null) return `${match[1]}${match[2]}`
  // The short form user@host:path; the user is part of no credential but says nothing either.
  return remote.replace(/^[^@/]*@/, '')
}

function git(directory: string, args: readonly string[]): Promise<string | undefined> {
  return new Promise((resolve) => {
    execFile('git', [...args], { cwd: directory, timeout: GIT_TIMEOUT_MS, windowsHide: true }, (error, stdout) => {
      resolve(error === null ? stdout.trim() : undefined)
    })
  })
}
