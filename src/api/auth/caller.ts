import type { Actor } from '../../db/access/audit.ts'
import type { Role } from '../../domain/roles.ts'
import { ProblemError } from '../problem.ts'

/** Whose key a request carries. */
export type Caller = {
  /** The same for the life of the key, and no other key's: `env:admin`, `env:operator`, or `key:` and a number. */
  id: string
  /** For the audit log and for people. */
  name: string
  role: Role
}

declare module 'fastify' {
  interface FastifyRequest {
    /** Null where no key is asked for. */
    caller: Caller | null
  }
}

/**
 * On whose behalf a request acts, for the audit log.
 *
 * @throws {ProblemError} unauthorized, on a route where no key was asked for
 */
export function actorOf(request: { caller: Caller | null; id: string }): Actor {
  const { name, role } = callerOf(request)
  return { keyName: name, role, requestId: request.id }
}

/** @throws {ProblemError} unauthorized, on a route where no key was asked for */
export function callerOf(request: { caller: Caller | null }): Caller {
  if (request.caller === null) throw new ProblemError('unauthorized')
  return request.caller
}
