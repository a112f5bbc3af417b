// The layers of shared/STYLE.md, section 2: a folder may import its own files and what its row names, types included.
const GROUND = '(builtins|natives|promises|errors|diagnostics|folders|output|stack-used-up|terminal-text|time|version)[.]ts$|semantics/'
const CORE = `${GROUND}|options/|values/|context/|otlp/|config/|provider/|export/|api/|wrap/|tracer/`

const LAYERS = {
  '(builtins|natives|promises|errors|diagnostics|folders|output|stack-used-up|terminal-text|time|version)[.]ts$':
    '(builtins|natives|promises|errors|diagnostics|folders|output|stack-used-up|terminal-text|time|version)[.]ts$',
  'semantics/': '(builtins|natives|promises|errors|diagnostics|folders|output|stack-used-up|terminal-text|time|version)[.]ts$',
  'options/': GROUND,
  'values/': GROUND,
  'context/': GROUND,
  'otlp/': GROUND,
  'config/': `${GROUND}|options/`,
  'provider/': `${GROUND}|options/|values/|context/|otlp/|config/`,
  'export/': `${GROUND}|options/|values/|context/|otlp/|config/|provider/`,
  'api/': `${GROUND}|options/|values/|context/|otlp/|config/|provider/|export/`,
  'wrap/': `${GROUND}|options/|values/|context/`,
  'tracer/': `${GROUND}|options/|values/|context/|otlp/|config/|provider/|export/|api/|wrap/`,
  'experiments/': CORE,
  'middleware/': CORE,
  'integrations/': CORE,
  'testing/': CORE,
  'client/': CORE,
  // The old names of everything: of the client, of experiments and of the handler for LangChain too.
  'compat/': `${CORE}|client/|experiments/|integrations/`,
  'dev/': `${GROUND}|options/|values/|otlp/`,
}

/** @type {import('dependency-cruiser').IConfiguration} */
export default {
  forbidden: [
    { name: 'no-circles', severity: 'error', from: {}, to: { circular: true } },
    ...Object.entries(LAYERS).map(([folder, allowed]) => ({
      name: `layer ${folder.replace(/[\\/$()[\]]/g, '')}`,
      severity: 'error',
      from: { path: `^src/${folder}` },
      to: { path: '^src/', pathNot: `^src/(${folder}|${allowed})` },
    })),
  ],
  options: {
    tsPreCompilationDeps: true,
    tsConfig: { fileName: 'tsconfig.json' },
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '^src/dev/page' },
  },
}
