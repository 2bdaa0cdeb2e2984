import type { Caller } from './caller.ts'
import { ENVIRONMENT_CALLERS, type EnvironmentKeys, findEnvironmentKey } from './environment-keys.ts'
import type { StoredKeys } from './stored-keys.ts'

/**
 * Tells whose key a presented one is, or null. Those of the environment are recognised without Postgres, so that the
 * system can be looked at while it is away.
 *
 * @throws when it may be a stored key and Postgres cannot be asked
 */
export type Identify = (presented: string) => Promise<Caller | null>

export function createKeyring(environment: EnvironmentKeys, stored: Pick<StoredKeys, 'find'>): Identify {
  return async (presented) => {
    const name = findEnvironmentKey(environment, presented)
    return name === null ? stored.find(presented) : ENVIRONMENT_CALLERS[name]
  }
}
