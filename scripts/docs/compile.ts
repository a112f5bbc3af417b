import { basename, join } from 'node:path'
import ts from 'typescript'
import { type Block, isTypeScript, type Problem, root } from './blocks.js'

/** An export or a module of ours that does not exist; all that can be asked of a block in plain JavaScript whose packages are elsewhere. */
const MISSING_EXPORT = new Set([2305, 2614, 2724])

interface Source {
  readonly block: Block
  readonly text: string
}

/** Compiles the blocks as files beside the sources, with their lines where they stand in the page. */
export function compileBlocks(blocks: readonly Block[]): readonly Problem[] {
  const sources = new Map(blocks.map((block) => [toPath(block), { block, text: `${'\n'.repeat(block.line)}${block.text}\nexport {}\n` }]))
  if (sources.size === 0) return []
  const { config } = ts.readConfigFile(join(root, 'test/tsconfig.json'), ts.sys.readFile)
  const { options } = ts.parseJsonConfigFileContent({ ...config, include: [], files: [] }, ts.sys, join(root, 'test'))
  const settings: ts.CompilerOptions = { ...options, noEmit: true, noUnusedLocals: false, allowJs: true, checkJs: true }
  const program = ts.createProgram([...sources.keys()], settings, createHost(settings, sources))
  return [...sources].flatMap(([path, { block }]) => findProblems(program, path, block))
}

function toPath({ page, line, language, text }: Block): string {
  const isCommonJs = /\brequire\(|\bmodule\.exports\b/.test(text)
  const extension = isTypeScript(language) ? 'ts' : isCommonJs ? 'cjs' : 'mjs'
  return join(root, 'test', `docs-${basename(page, '.md')}-${line}.${extension}`)
}

function createHost(settings: ts.CompilerOptions, sources: ReadonlyMap<string, Source>): ts.CompilerHost {
  const host = ts.createCompilerHost(settings)
  const { fileExists, readFile, getSourceFile } = host
  host.fileExists = (path) => sources.has(path) || fileExists(path)
  host.readFile = (path) => sources.get(path)?.text ?? readFile(path)
  host.getSourceFile = (path, target, ...rest) => {
    const source = sources.get(path)
    return source === undefined ? getSourceFile(path, target, ...rest) : ts.createSourceFile(path, source.text, target, true)
  }
  return host
}

function findProblems(program: ts.Program, path: string, { page, language }: Block): readonly Problem[] {
  const source = program.getSourceFile(path)
  if (source === undefined) throw new Error(`The compiler has not read ${path}.`)
  const semantic = program.getSemanticDiagnostics(source).filter(({ code }) => isTypeScript(language) || MISSING_EXPORT.has(code))
  return [...program.getSyntacticDiagnostics(source), ...semantic].map(({ start, messageText }) => ({
    page,
    line: source.getLineAndCharacterOfPosition(start ?? 0).line + 1,
    text: ts.flattenDiagnosticMessageText(messageText, ' '),
  }))
}
