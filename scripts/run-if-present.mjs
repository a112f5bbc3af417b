// Runs a build script with this node; one that is not in this checkout is not an error.
import { existsSync } from 'node:fs'
import { resolve } from 'node:path'
import { pathToFileURL } from 'node:url'

const script = resolve(process.argv[2] ?? '')
if (existsSync(script)) await import(pathToFileURL(script).href)
