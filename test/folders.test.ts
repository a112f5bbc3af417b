import { spawnSync } from 'node:child_process'
import { existsSync, mkdirSync, mkdtempSync, rmSync, statSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, vi } from 'vitest'
import { makeFolder, toAbsolutePath } from '../src/folders.js'

let root: string
beforeEach(() => {
  root = mkdtempSync(join(tmpdir(), 'folders-'))
})
afterEach(() => {
  vi.restoreAllMocks()
  rmSync(root, { recursive: true, force: true })
})

describe('makeFolder', () => {
  it('makes what is missing, with its mode, and leaves what is there', () => {
    const path = join(root, 'a', 'b', 'c')
    makeFolder(path, 0o700)
    writeFileSync(join(path, 'file'), '')
    makeFolder(path)
    makeFolder(`${path}/`)
    expect([statSync(path).mode & 0o777, statSync(join(root, 'a')).mode & 0o777]).toEqual([0o700, 0o700])
    symlinkSync(path, join(root, 'link'))
    makeFolder(join(root, 'link', 'd'))
    expect(existsSync(join(path, 'd'))).toBe(true)
  })

  it('says where a file is in the way', () => {
    writeFileSync(join(root, 'file'), '')
    expect(() => makeFolder(join(root, 'file'))).toThrow('EEXIST')
    expect(() => makeFolder(join(root, 'file', 'below', 'it'))).toThrow('ENOTDIR')
  })

  it.runIf(process.platform === 'linux')('ends where a folder is there and takes none', () => {
    expect(() => makeFolder('/proc/none/below')).toThrow('ENOENT')
    // Only a process has a working directory to lose.
    const gone = join(root, 'gone')
    mkdirSync(gone)
    const program = `
      process.chdir(${JSON.stringify(gone)})
      require('node:fs').rmdirSync(${JSON.stringify(gone)})
      try { require(${JSON.stringify(compile())}).makeFolder('a/b') } catch (error) { console.log(error.code) }`
    expect(spawnSync(process.execPath, ['-e', program], { encoding: 'utf8' }).stdout).toBe('ENOENT\n')
  })

  /** The sources as a program without a loader can use them. */
  function compile(): string {
    const file = join(root, 'folders.cjs')
    const esbuild = resolve('node_modules/.bin/esbuild')
    expect(spawnSync(esbuild, ['src/folders.ts', '--format=cjs', `--outfile=${file}`]).status).toBe(0)
    return file
  }
})

describe('toAbsolutePath', () => {
  it('gives the path from the root, or as it is where there is no working directory', () => {
    expect(toAbsolutePath('a/b')).toBe(join(process.cwd(), 'a', 'b'))
    expect(toAbsolutePath(root)).toBe(root)
    vi.spyOn(process, 'cwd').mockImplementation(() => {
      throw new Error('uv_cwd')
    })
    expect(toAbsolutePath('a/b')).toBe('a/b')
  })
})
