import type { FastifyHttpOptions, RawServerDefault } from 'fastify'
import type { App } from './deps.ts'

/** Largest body of any request, bytes: a lead with 500 providers, all of it escaped; an event of Stripe. */
export const BODY_LIMIT = 256 * 1024

/** Largest body of an API route that asks for no more. */
export const SMALL_BODY_LIMIT = 16 * 1024

/**
 * Longest that a route may take to answer, milliseconds: more than Postgres gives a statement (30 s), or a connection and
 * a lock (25 s). Whoever waits gets a 503. A route that streams for longer says so itself.
 */
export const HANDLER_TIMEOUT_MS = 45_000

/**
 * How long and how much a connection may take. None can hold one by sending or reading slowly, or not at all.
 * https://nodejs.org/docs/latest-v24.x/api/http.html#class-httpserver
 */
export const CONNECTION_LIMITS = {
  bodyLimit: BODY_LIMIT,
  /** Until the whole request is here. */
  requestTimeout: 30_000,
  /** Nothing sent and nothing read. */
  connectionTimeout: 120_000,
  /** Longer than the idle timeout of usual load balancers (60 s), so that none reuses a connection we are closing. */
  keepAliveTimeout: 72_000,
  http: {
    /** Until the headers are here. */
    headersTimeout: 10_000,
    /** How often the two above are looked after; Node's default would let them be half a minute late. */
    connectionsCheckingInterval: 2_000,
    maxHeaderSize: 16 * 1024,
  },
} as const satisfies FastifyHttpOptions<RawServerDefault>

/** Gives every route of this scope that names no limits of its own these: what a route needs more of, it says. */
export function limitRoutes(scope: App, limits: { bodyLimit: number; handlerTimeout?: number }): void {
  scope.addHook('onRoute', (route) => {
    route.bodyLimit ??= limits.bodyLimit
    if (limits.handlerTimeout !== undefined) route.handlerTimeout ??= limits.handlerTimeout
  })
}
