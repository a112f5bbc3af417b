import { mkdir, readdir, readFile, writeFile } from 'node:fs/promises'
import { dirname, join, resolve } from 'node:path'
import type { Options } from 'tsup'

type Plugin = NonNullable<Options['esbuildPlugins']>[number]

const PACKAGE = /^(?:.*\/)?node_modules\/((?:@[^/]+\/)?[^/]+)\//
const TEXTS = /^(?:licen[cs]e|notice|copying)(?:[.-].*)?$/i
/** Only a header of the file itself: its first comment. */
const COPYRIGHT = /^\s*(?:\/\/|\/?\*)?[\s*!]*(copyright\b.*?)\s*(?:\*\/)?$/im
const HEADER_CHARS = 600

const INTRODUCTION = `The files of this folder contain code of the packages below, as published, except that it was bundled: only the parts
that are used are here, in fewer files, without their comments. Each package stands under the licence that follows its name.
`

interface Notice {
  readonly title: string
  readonly copyrights: Set<string>
  readonly text: string
}

/**
 * Writes one file with name, version, copyright lines and licence of each package whose code is in the output.
 *
 * One instance serves several builds; the file holds the packages of them all.
 *
 * @param alsoFrom packages whose declarations are copied into ours; they leave no trace in the output.
 */
export function thirdPartyLicences(outfile: string, alsoFrom: readonly string[] = []): Plugin {
  const notices = new Map<string, Promise<Notice>>()
  function take(folder: string): Promise<Notice> {
    const notice = notices.get(folder) ?? readNotice(folder)
    notices.set(folder, notice)
    return notice
  }
  return {
    name: 'third-party-licences',
    setup(build) {
      build.onEnd(async ({ metafile }) => {
        for (const name of alsoFrom) await take(resolve('node_modules', name))
        for (const file of usedFiles(metafile?.outputs ?? {})) {
          const folder = toPackageFolder(file)
          if (folder === undefined) continue
          const { copyrights } = await take(folder)
          const [, line] = COPYRIGHT.exec((await readFile(file, 'utf8')).slice(0, HEADER_CHARS)) ?? []
          if (line !== undefined) copyrights.add(line)
        }
        await mkdir(dirname(outfile), { recursive: true })
        await writeFile(outfile, toText(await Promise.all(notices.values())))
      })
    },
  }
}

interface Output {
  readonly inputs: Readonly<Record<string, { readonly bytesInOutput: number }>>
}

function usedFiles(outputs: Readonly<Record<string, Output>>): ReadonlySet<string> {
  const used = Object.values(outputs).flatMap(({ inputs }) => Object.entries(inputs).filter(([, { bytesInOutput }]) => bytesInOutput > 0))
  return new Set(used.map(([file]) => file))
}

function toPackageFolder(file: string): string | undefined {
  const [prefix, name] = PACKAGE.exec(file) ?? []
  return name === undefined || prefix === undefined ? undefined : resolve(prefix)
}

async function readNotice(folder: string): Promise<Notice> {
  const manifest = JSON.parse(await readFile(join(folder, 'package.json'), 'utf8')) as Record<'name' | 'version' | 'license', string>
  const names = (await readdir(folder)).filter((name) => TEXTS.test(name)).toSorted()
  if (names.length === 0) throw new Error(`${manifest.name} is bundled but has no licence text`)
  const texts = await Promise.all(names.map((name) => readFile(join(folder, name), 'utf8')))
  return {
    title: `${manifest.name} ${manifest.version} (${manifest.license})`,
    copyrights: new Set(),
    text: texts.map((text) => text.replaceAll('\r\n', '\n').trim()).join('\n\n'),
  }
}

/** Packages that share their text stand together above it. */
function toText(notices: readonly Notice[]): string {
  const byText = new Map<string, Notice[]>()
  for (const notice of notices.toSorted((a, b) => (a.title < b.title ? -1 : 1))) {
    byText.set(notice.text, [...(byText.get(notice.text) ?? []), notice])
  }
  const parts = [...byText].map(([text, group]) => {
    const copyrights = new Set(group.flatMap((notice) => [...notice.copyrights]))
    return [...group.map(({ title }) => title), ...copyrights, '', text].join('\n')
  })
  return `${[INTRODUCTION, ...parts].join(`\n${'='.repeat(80)}\n\n`)}\n`
}
