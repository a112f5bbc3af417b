import type { ServerResponse } from 'node:http'
import { HttpError } from './http-error.js'
import { OtlpDecodeError, TooManySpansError } from '../../otlp/decoded-span.js'
import { SECURITY_HEADERS } from './guard.js'
import { StorageFullError } from '../store/write-queue.js'

const RETRY_AFTER_SECONDS = '5'

/** Sends JSON that no cache may keep. */
export function sendJson(response: ServerResponse, body: unknown, status = 200): void {
  const text = JSON.stringify(body)
  response.writeHead(status, {
    ...SECURITY_HEADERS,
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    'content-length': Buffer.byteLength(text),
  })
  response.end(text)
}

/** Sends 200 with nothing in it. */
export function sendEmpty(response: ServerResponse): void {
  response.writeHead(200, { ...SECURITY_HEADERS, 'cache-control': 'no-store', 'content-length': 0 })
  response.end()
}

/** Status, text and headers of what a handler threw; unexpected errors say nothing about themselves. */
export function toHttpError(error: unknown): HttpError {
  if (error instanceof HttpError) return error
  if (error instanceof OtlpDecodeError) return new HttpError(400, error.message)
  if (error instanceof TooManySpansError) return new HttpError(413, error.message)
  if (error instanceof StorageFullError)
    return new HttpError(503, error.message, { headers: { 'retry-after': RETRY_AFTER_SECONDS }, errorCode: 'storage_full' })
  return new HttpError(500, 'Internal error of the local server')
}

/** Answers with an error in HoneyHive's format. */
export function sendError(response: ServerResponse, { status, message, headers, errorCode }: HttpError): void {
  if (response.headersSent) {
    response.destroy()
    return
  }
  const text = JSON.stringify({ statusCode: status, message, success: false, ...(errorCode === undefined ? {} : { errorCode }) })
  response.writeHead(status, {
    ...SECURITY_HEADERS,
    ...headers,
    'content-type': 'application/json; charset=utf-8',
    'cache-control': 'no-store',
    'content-length': Buffer.byteLength(text),
  })
  response.end(text)
}
