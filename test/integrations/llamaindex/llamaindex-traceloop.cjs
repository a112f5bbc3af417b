const { LlamaIndexInstrumentation } = require('@traceloop/instrumentation-llamaindex')

exports.instrumentations = [new LlamaIndexInstrumentation()]

// Required when the instrumentation is enabled, so that it patches them.
exports.setup = (side) =>
  require('./llamaindex-cases.cjs').createCases(
    {
      llamaindex: require('llamaindex'),
      openai: require('@llamaindex/openai'),
      workflow: require('@llamaindex/workflow'),
      z: require('zod').z,
    },
    side,
  )
