import { Server, ServerCredentials } from '@grpc/grpc-js'
import { decodeOtlpProtobuf } from '../../src/otlp/decode-protobuf.js'
import type { DecodedSpan } from '../../src/otlp/decoded-span.js'

/** A real OTLP/gRPC endpoint on loopback that keeps what it was sent. */
export interface GrpcReceiver {
  readonly url: string
  readonly spans: DecodedSpan[]
  close(): void
}

/** Starts a receiver on a free port that answers every export with `reply`. */
export async function startGrpcReceiver(reply: Buffer = Buffer.alloc(0)): Promise<GrpcReceiver> {
  const spans: DecodedSpan[] = []
  const server = new Server()
  const asIs = (bytes: Buffer): Buffer => bytes
  server.addService(
    {
      export: {
        path: '/opentelemetry.proto.collector.trace.v1.TraceService/Export',
        requestStream: false,
        responseStream: false,
        requestSerialize: asIs,
        requestDeserialize: asIs,
        responseSerialize: asIs,
        responseDeserialize: asIs,
      },
    },
    {
      export: (call: { request: Buffer }, answer: (error: null, reply: Buffer) => void) => {
        spans.push(...decodeOtlpProtobuf(call.request, { maxSpans: 10_000, nowMs: 0 }).spans)
        answer(null, reply)
      },
    },
  )
  const port = await new Promise<number>((resolve, reject) => {
    server.bindAsync('127.0.0.1:0', ServerCredentials.createInsecure(), (error, bound) => (error === null ? resolve(bound) : reject(error)))
  })
  return { url: `http://127.0.0.1:${port}`, spans, close: () => server.forceShutdown() }
}
