// What `import.meta.url` stands for in the CommonJS build.
import { pathToFileURL } from 'node:url'

export const importMetaUrl = /* @__PURE__ */ toUrl()

function toUrl() {
  return pathToFileURL(__filename).href
}
