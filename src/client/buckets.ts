import { OBJECT } from './fields.js'

/** Fields of the user's own choice. */
export type Bucket = Readonly<Record<string, unknown>>

/** The parts of an event. What is in them is the user's, and keeps its names. */
export interface Buckets {
  readonly config?: Bucket
  readonly inputs?: Bucket
  readonly outputs?: Bucket
  readonly metadata?: Bucket
  readonly feedback?: Bucket
  readonly metrics?: Bucket
  readonly userProperties?: Bucket
}

export const BUCKETS: { readonly [K in keyof Buckets]-?: typeof OBJECT } = {
  config: OBJECT,
  inputs: OBJECT,
  outputs: OBJECT,
  metadata: OBJECT,
  feedback: OBJECT,
  metrics: OBJECT,
  userProperties: OBJECT,
}
