import { isWorkerd } from '../natives.js'
import { readProcessEnv } from './process-env.js'
import type { Environment } from './sources.js'

/** Where the process runs, in OpenTelemetry's words. */
export type PlatformAttributes = Readonly<Record<string, string | number>>

/**
 * What the platform says about itself in variables that only a platform sets: AWS Lambda, Google Cloud Run, Azure and
 * Kubernetes. Names that a host program may use for its own ends are not read.
 *
 * @see OpenTelemetry semantic conventions, resource attributes `cloud.*`, `faas.*`, `k8s.*`
 */
export function readPlatform(env: Environment = readProcessEnv()): PlatformAttributes {
  const pairs = Object.entries({ ...readKubernetes(env), ...(readLambda(env) ?? readCloudRun(env) ?? readAzure(env)) })
  return Object.fromEntries(pairs.filter((pair): pair is [string, string | number] => pair[1] !== undefined && pair[1] !== ''))
}

/** Why nothing can be recorded here, for who reads it in a log; `undefined` where everything can. */
export function readRefusal(isRefused: boolean = isWorkerd): string | undefined {
  if (!isRefused) return undefined
  return 'Disabled: Cloudflare Workers have no AsyncLocalStorage.enterWith, without which tracers cannot be kept apart. Your functions run as they are. Trace the service behind the worker, in Node, and hand the trace on in headers.'
}

type Found = Readonly<Record<string, string | number | undefined>>

function readLambda(env: Environment): Found | undefined {
  const name = env['AWS_LAMBDA_FUNCTION_NAME']
  if (!name) return undefined
  const memoryMiB = Number(env['AWS_LAMBDA_FUNCTION_MEMORY_SIZE'])
  return {
    'cloud.provider': 'aws',
    'cloud.platform': 'aws_lambda',
    'cloud.region': env['AWS_REGION'],
    'faas.name': name,
    'faas.version': env['AWS_LAMBDA_FUNCTION_VERSION'],
    'faas.instance': env['AWS_LAMBDA_LOG_STREAM_NAME'],
    'faas.max_memory': memoryMiB > 0 ? memoryMiB * 1_048_576 : undefined,
  }
}

function readCloudRun(env: Environment): Found | undefined {
  const name = env['K_SERVICE']
  if (!name) return undefined
  return { 'cloud.provider': 'gcp', 'cloud.platform': 'gcp_cloud_run', 'faas.name': name, 'faas.version': env['K_REVISION'] }
}

function readAzure(env: Environment): Found | undefined {
  const name = env['WEBSITE_SITE_NAME']
  if (!name) return undefined
  const isFunction = Boolean(env['FUNCTIONS_WORKER_RUNTIME'])
  return {
    'cloud.provider': 'azure',
    'cloud.platform': isFunction ? 'azure_functions' : 'azure_app_service',
    'cloud.region': env['REGION_NAME'],
    'cloud.resource_group': env['WEBSITE_RESOURCE_GROUP'],
    'faas.name': isFunction ? name : undefined,
  }
}

/** Kubernetes sets both in every pod; the host name of a pod is its name. */
function readKubernetes(env: Environment): Found {
  return env['KUBERNETES_SERVICE_HOST'] ? { 'k8s.pod.name': env['HOSTNAME'] } : {}
}
