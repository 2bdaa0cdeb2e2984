import type { App } from '../../deps.ts'

declare module 'fastify' {
  interface FastifyRequest {
    /** The content type as it came, or an empty string. */
    sentContentType: string
  }
}

/**
 * Takes every body of this scope as bytes, whatever its content type says and also when it says nothing or nonsense:
 * signatures are made over the bytes, and what cannot be read must still be kept.
 */
export function takeRawBodies(scope: App): void {
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('application/octet-stream', { parseAs: 'buffer' }, (_request, body, done) => {
    done(null, body)
  })
  scope.addHook('onRequest', async (request) => {
    request.sentContentType = request.headers['content-type'] ?? ''
    // The framework refuses content types it cannot parse before anybody is asked.
    request.headers['content-type'] = 'application/octet-stream'
  })
  // Bodies are documented here and read by hand.
  scope.setValidatorCompiler(() => (value) => ({ value }))
}

/** The body as it came; empty when there was none. */
export function rawBody(body: unknown): Buffer {
  return Buffer.isBuffer(body) ? body : Buffer.alloc(0)
}
