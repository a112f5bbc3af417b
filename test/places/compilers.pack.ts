// The oldest TypeScript that is promised and the newest of its line find and accept the types, every library checked, without the DOM's.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { installPlace, type Place } from './place.js'

let place: Place

beforeAll(async () => {
  place = await installPlace('compilers')
})
afterAll(() => place.remove())

describe.for(['5.0', '5.2', '5.9'])('TypeScript %s', (version) => {
  test.for([
    ['node10', 'commonjs'],
    ['node16', 'node16'],
    ['nodenext', 'nodenext'],
    ['bundler', 'esnext'],
  ] as const)('finds the types of every entry under %s', async ([moduleResolution, module]) => {
    const shared = { target: 'es2022', lib: ['es2022'], types: ['node'], strict: true, noEmit: true, skipLibCheck: false }
    const config = { compilerOptions: { ...shared, module, moduleResolution }, files: ['program.ts'] }
    await writeFile(join(place.folder, 'tsconfig.json'), JSON.stringify(config))
    const { code, stdout } = await place.run([join(place.folder, `node_modules/typescript-${version}/lib/tsc.js`), '-p', '.'])
    expect(code, stdout).toBe(0)
  })
})
