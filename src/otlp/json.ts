export {
  createObject,
  isDeeperThan,
  isObject,
  type JsonObject,
  MAX_DEPTH,
  readEmbeddedJson,
  toFiniteNumber,
  toNonEmptyText,
  toObject,
  toStorableText,
  toStrings,
} from '../semantics/json.js'
