import { execFileSync } from 'node:child_process'
import { relative } from 'node:path'
import { withoutCredentials } from '../experiments/git.js'
import { VERSION } from '../version.js'

/** @deprecated Use `VERSION` of `honeyhive-tracer`. */
export const SDK_METADATA: {
  readonly language: 'typescript'
  readonly openapiDocVersion: string
  readonly sdkVersion: string
  readonly genVersion: string
  readonly userAgent: string
} = Object.freeze({
  language: 'typescript',
  openapiDocVersion: '1.0.21',
  sdkVersion: VERSION,
  genVersion: VERSION,
  userAgent: `honeyhive-tracer/${VERSION}`,
})

/** @deprecated Use `Response` and `Buffer` of Node. */
export const files: {
  /** All of a stream. */
  readonly readableStreamToArrayBuffer: (readable: ReadableStream<Uint8Array>) => Promise<ArrayBuffer>
} = Object.freeze({ readableStreamToArrayBuffer: (readable: ReadableStream<Uint8Array>) => new Response(readable).arrayBuffer() })

/** @deprecated `evaluate` of `honeyhive-tracer/experiments` stores the state of the repository by itself. */
export interface GitInfo {
  readonly commitHash?: string
  readonly branch?: string
  readonly repoUrl?: string
  readonly commitLink?: string
  readonly uncommittedChanges: boolean
  readonly relativePath?: string | undefined
  readonly error?: string
}

const LIMIT_MS = 5_000

/**
 * The state of the repository around `directory`; where there is none, `error` says so.
 *
 * @deprecated `evaluate` of `honeyhive-tracer/experiments` stores it by itself.
 */
export function getGitInfo(directory: string = process.cwd()): GitInfo {
  const git = (...args: string[]): string =>
    execFileSync('git', args, { cwd: directory, encoding: 'utf8', timeout: LIMIT_MS, stdio: ['ignore', 'pipe', 'ignore'] }).trim()
  const orNothing = (...args: string[]): string | undefined => {
    try {
      return git(...args)
    } catch {
      // A repository without commits or without a remote.
      return undefined
    }
  }
  try {
    const root = git('rev-parse', '--show-toplevel')
    const [commitHash, branch, remote] = [
      orNothing('rev-parse', 'HEAD'),
      orNothing('rev-parse', '--abbrev-ref', 'HEAD'),
      orNothing('remote', 'get-url', 'origin'),
    ]
    const repoUrl = remote === undefined ? undefined : withoutCredentials(remote).replace(/\.git$/, '')
    return {
      ...(commitHash === undefined ? {} : { commitHash }),
      ...(branch === undefined ? {} : { branch }),
      ...(repoUrl === undefined ? {} : { repoUrl }),
      ...(repoUrl === undefined || commitHash === undefined ? {} : { commitLink: `${repoUrl}/commit/${commitHash}` }),
      uncommittedChanges: git('status', '--porcelain') !== '',
      relativePath: process.argv[1] === undefined ? undefined : relative(root, process.argv[1]),
    }
  } catch {
    return { uncommittedChanges: false, error: 'not a git repository, or no git' }
  }
}
