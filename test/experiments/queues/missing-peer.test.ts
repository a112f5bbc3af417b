import { describe, expect, test } from 'vitest'
import { toMissingPeer } from '../../../src/experiments/queues/missing-peer.js'

describe('toMissingPeer', () => {
  test('says how to install what is missing', () => {
    const cause = Object.assign(new Error("Cannot find package 'bullmq'"), { code: 'ERR_MODULE_NOT_FOUND' })
    expect(toMissingPeer('bullmq', cause)).toMatchObject({
      code: 'EXPERIMENT',
      message: 'The queue needs the package "bullmq", which could not be loaded. Install it: npm install bullmq',
      cause,
    })
  })

  test('says why what is installed could not be loaded', () => {
    const cause = Object.assign(new Error('EMFILE: too many open files'), { code: 'EMFILE' })
    expect(toMissingPeer('bullmq', cause).message).toBe(
      'The queue needs the package "bullmq", which could not be loaded: EMFILE: too many open files',
    )
  })
})
