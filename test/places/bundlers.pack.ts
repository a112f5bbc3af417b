// One file that a bundler made of a program and all that it imports, without a banner or a plugin for us: it loads, delivers and serves.
import { rm } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { type Receiver, startReceiver } from '../fixtures/receiver.js'
import { installPlace, type Place } from './place.js'

let place: Place
let receiver: Receiver

beforeAll(async () => {
  place = await installPlace('bundlers')
  receiver = await startReceiver()
})
afterAll(async () => {
  await receiver.close()
  await place.remove()
})

describe.for(['esbuild', 'rollup', 'rolldown', 'vite', 'webpack'])('a bundle by %s', (tool) => {
  test.for(['esm', 'cjs'])('as %s works, without the optional packages', async (format, { onTestFinished }) => {
    const file = await bundle(tool, format, 'program.mjs')
    onTestFinished(() => rm(join(place.folder, file)))
    receiver.spans.length = 0
    const { code, stdout, stderr } = await place.run([file], { env: { RECEIVER: receiver.url } })
    expect(code, stderr).toBe(0)
    expect(JSON.parse(stdout)).toEqual({
      isClosed: true,
      exported: 1,
      names: ['first', 'second'],
      score: true,
      served: [200, true, 'text/javascript; charset=utf-8'],
    })
    expect(receiver.spans.map(({ name }) => name)).toEqual(['in a bundle'])
  })
})

async function bundle(tool: string, format: string, program: string): Promise<string> {
  const file = `${tool}-${program.replace('.mjs', format === 'esm' ? '.mjs' : '.cjs')}`
  const { code, stderr } = await place.run(['build.mjs', tool, format, program, file])
  expect(code, stderr).toBe(0)
  return file
}
