// Runs a build script with this node; one that is not in this checkout is not an error.
import { spawnSync } from 'node:child_process'
import { existsSync } from 'node:fs'

const [script = '', ...args] = process.argv.slice(2)
if (existsSync(script)) process.exitCode = spawnSync(process.execPath, [script, ...args], { stdio: 'inherit' }).status ?? 1
