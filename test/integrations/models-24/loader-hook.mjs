// What `--import` registers so that OpenTelemetry's instrumentations see the packages that are imported.
import { register } from 'node:module'

register('@opentelemetry/instrumentation/hook.mjs', import.meta.url)
