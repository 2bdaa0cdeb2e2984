import cors from '@fastify/cors'
import type { App } from '../deps.ts'

const PREFLIGHT_VALID_SECONDS = 600

/**
 * Lets pages of these origins call the routes of this scope from a browser. Without any, no CORS header is ever sent and
 * a browser lets no other site's page read an answer. Never with cookies: a page has to hold a key of its own.
 *
 * @param origins exact origins, such as `https://desk.example.com`
 */
export async function allowOrigins(scope: App, origins: readonly string[]): Promise<void> {
  if (origins.length === 0) return
  await scope.register(cors, {
    origin: [...origins],
    methods: ['GET', 'HEAD', 'POST', 'PUT', 'DELETE'],
    allowedHeaders: ['authorization', 'content-type', 'idempotency-key', 'x-request-id'],
    exposedHeaders: [
      'idempotent-replayed',
      'ratelimit-limit',
      'ratelimit-remaining',
      'ratelimit-reset',
      'retry-after',
      'x-request-id',
    ],
    maxAge: PREFLIGHT_VALID_SECONDS,
  })
}
