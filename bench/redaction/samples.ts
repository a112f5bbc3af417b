// The corpus of test/redaction as JSON on standard output, for programs in other languages.
import { readCorpus } from '../../test/redaction/corpus.js'

process.stdout.write(JSON.stringify(readCorpus()))
