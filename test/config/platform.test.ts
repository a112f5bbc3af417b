import { expect, test } from 'vitest'
import { readPlatform, readRefusal } from '../../src/config/platform.js'
import { createTestTracer } from '../../src/testing/index.js'

test('AWS Lambda', () => {
  const env = {
    AWS_LAMBDA_FUNCTION_NAME: 'fn',
    AWS_LAMBDA_FUNCTION_VERSION: '7',
    AWS_REGION: 'eu-west-1',
    AWS_LAMBDA_FUNCTION_MEMORY_SIZE: '512',
    AWS_LAMBDA_LOG_STREAM_NAME: 'log',
  }
  expect(readPlatform(env)).toEqual({
    'cloud.provider': 'aws',
    'cloud.platform': 'aws_lambda',
    'cloud.region': 'eu-west-1',
    'faas.name': 'fn',
    'faas.version': '7',
    'faas.instance': 'log',
    'faas.max_memory': 536_870_912,
  })
})

test('Google Cloud Run, Azure Functions and App Service, Kubernetes', () => {
  expect(readPlatform({ K_SERVICE: 'svc', K_REVISION: 'svc-1' })).toEqual({
    'cloud.provider': 'gcp',
    'cloud.platform': 'gcp_cloud_run',
    'faas.name': 'svc',
    'faas.version': 'svc-1',
  })
  expect(readPlatform({ WEBSITE_SITE_NAME: 'site', REGION_NAME: 'West', FUNCTIONS_WORKER_RUNTIME: 'node' })).toEqual({
    'cloud.provider': 'azure',
    'cloud.platform': 'azure_functions',
    'cloud.region': 'West',
    'faas.name': 'site',
  })
  expect(readPlatform({ WEBSITE_SITE_NAME: 'site', WEBSITE_RESOURCE_GROUP: 'rg' })).toEqual({
    'cloud.provider': 'azure',
    'cloud.platform': 'azure_app_service',
    'cloud.resource_group': 'rg',
  })
  expect(readPlatform({ KUBERNETES_SERVICE_HOST: '10.0.0.1', HOSTNAME: 'pod-1', K_SERVICE: 'svc' })).toMatchObject({
    'k8s.pod.name': 'pod-1',
    'faas.name': 'svc',
  })
})

test('D-31: nothing is taken from variables that a host program may use itself', () => {
  expect(
    readPlatform({
      HOSTNAME: 'h',
      AWS_REGION: 'eu-west-1',
      SERVICE_NAME: 's',
      GROUP: 'g',
      GIT_COMMIT: 'c',
      SESSION_ID: 'x',
      K_SERVICE: '',
    }),
  ).toEqual({})
})

test('D-43: the first tracer and the last have the same resource, but for their own attributes', async () => {
  const [first, last] = [
    createTestTracer({ project: 'p' }),
    createTestTracer({ project: 'p', resourceAttributes: { team: 't', 'host.name': 'mine' } }),
  ]
  for (const tracer of [first, last]) tracer.startSpan('s').end()
  const [one, other] = [first, last].map((tracer) => tracer.spans[0]?.resource.attributes)
  expect(one).toMatchObject({
    'service.name': 'p',
    'telemetry.sdk.name': 'honeyhive-tracer',
    'telemetry.sdk.language': 'nodejs',
    'process.pid': process.pid,
    'process.runtime.version': process.versions.node,
    'host.arch': { x64: 'amd64', ia32: 'x86', arm: 'arm32' }[process.arch as string] ?? process.arch,
    'os.type': { win32: 'windows', sunos: 'solaris' }[process.platform as string] ?? process.platform,
    'host.name': expect.any(String),
  })
  expect(other).toEqual({ ...one, team: 't', 'host.name': 'mine' })
  await Promise.all([first.shutdown(), last.shutdown()])
})

test('Cloudflare Workers are refused, with what to do; Node is not', () => {
  expect(readRefusal(true)).toMatch(/^Disabled: Cloudflare Workers have no .* Trace the service behind the worker, in Node/)
  expect(readRefusal()).toBeUndefined()
})
