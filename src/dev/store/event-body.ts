/** The body of an event and the one rule for filling it: what was said first stays. */
import type { BUCKETS } from '../../semantics/attributes.js'
import { createObject, type JsonObject, readEmbeddedJson } from '../../otlp/json.js'

/** The named parts of an event that hold user data, as they are stored. */
export interface EventBody {
  inputs: JsonObject
  outputs: JsonObject
  config: JsonObject
  metadata: JsonObject
  metrics: JsonObject
  feedback: JsonObject
  user_properties: JsonObject
}

/** Names of the buckets as events carry them. */
export const EVENT_BUCKETS = ['inputs', 'outputs', 'config', 'metadata', 'metrics', 'feedback', 'user_properties'] as const
/** One of {@link EVENT_BUCKETS}. */
export type EventBucket = (typeof EVENT_BUCKETS)[number]

/** An empty body. */
export function createBody(): EventBody {
  return {
    inputs: createObject(),
    outputs: createObject(),
    config: createObject(),
    metadata: createObject(),
    metrics: createObject(),
    feedback: createObject(),
    user_properties: createObject(),
  }
}

/** Like {@link fill} at `bucket.key`. */
export function fillPath(body: EventBody, target: string, value: unknown): boolean {
  const dot = target.indexOf('.')
  const isJson = target === 'config.tools' || target === 'config.template' || target === 'inputs.system_prompt'
  return fill(body[target.slice(0, dot) as EventBucket], target.slice(dot + 1), isJson ? readEmbeddedJson(value) : value)
}

/** What stands at `bucket.key`. */
export function readPath(body: EventBody, target: string): unknown {
  const dot = target.indexOf('.')
  return body[target.slice(0, dot) as EventBucket][target.slice(dot + 1)]
}

/** Sets a key that is not there yet; what was said first, or by HoneyHive's own attributes, stays. */
export function fill(target: JsonObject, key: string, value: unknown): boolean {
  if (value === undefined || Object.hasOwn(target, key)) return false
  target[key] = value
  return true
}

/** Like {@link fill}; a value that finds its place taken by another one goes to the metadata under its full name. */
export function fillOrKeep(body: EventBody, bucket: EventBucket, key: string, value: unknown, fullName: string): void {
  if (!fill(body[bucket], key, value) && body[bucket][key] !== value) fill(body.metadata, fullName, value)
}

/** The name of a bucket as events carry it. */
export function toEventBucket(bucket: (typeof BUCKETS)[number]): EventBucket {
  return bucket === 'userProperties' ? 'user_properties' : bucket
}
