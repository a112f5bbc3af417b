// The oldest TypeScript that is promised and the newest of each line find and accept the types, every library checked, without the DOM's.
import { writeFile } from 'node:fs/promises'
import { join } from 'node:path'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { installPlace, type Place } from './place.js'

let place: Place

beforeAll(async () => {
  place = await installPlace('compilers')
})
afterAll(() => place.remove())

describe.for(['5.0', '5.2', '5.9', '6.0', '7.0'])('TypeScript %s', (version) => {
  // TypeScript 6 calls it out of date and 7 has no more of it.
  const isKnown = (moduleResolution: string): boolean => moduleResolution !== 'node10' || version !== '7.0'
  const quiet = version === '6.0' ? { ignoreDeprecations: '6.0' } : {}
  const ways = [
    ['node10', 'commonjs'],
    ['node16', 'node16'],
    ['nodenext', 'nodenext'],
    ['bundler', 'esnext'],
  ] as const
  test.for(ways.filter(([moduleResolution]) => isKnown(moduleResolution)))(
    'finds the types of every entry under %s',
    async ([moduleResolution, module]) => {
      const shared = { target: 'es2022', lib: ['es2022'], types: ['node'], strict: true, noEmit: true, skipLibCheck: false, ...quiet }
      const config = { compilerOptions: { ...shared, module, moduleResolution }, files: ['program.ts'] }
      await writeFile(join(place.folder, 'tsconfig.json'), JSON.stringify(config))
      const { code, stdout } = await place.run([join(place.folder, `node_modules/typescript-${version}/lib/tsc.js`), '-p', '.'])
      expect(code, stdout).toBe(0)
    },
  )
})
