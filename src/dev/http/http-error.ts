/** An answer other than success, in HoneyHive's error format. */
export class HttpError extends Error {
  readonly status: number
  readonly headers: Readonly<Record<string, string>>
  readonly errorCode: string | undefined
  override name: string = 'HttpError'

  constructor(status: number, message: string, { headers = {}, errorCode }: { headers?: Record<string, string>; errorCode?: string } = {}) {
    super(message)
    this.status = status
    this.headers = headers
    this.errorCode = errorCode
  }
}

/** 400: the request itself is wrong. */
export function badRequest(message: string): HttpError {
  return new HttpError(400, message)
}

/** 404: no such thing. */
export function notFound(what: string): HttpError {
  return new HttpError(404, `${what} not found`)
}
