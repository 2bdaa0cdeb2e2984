import { ENVIRONMENT_KEYS, type EnvironmentKey } from '../../domain/api-key.ts'
import { isSameSecret } from '../../domain/same-secret.ts'
import type { Caller } from './caller.ts'

/** What the keys of the environment are; null where there is none. */
export type EnvironmentKeys = Readonly<Record<EnvironmentKey, string | null>>

export const ENVIRONMENT_CALLERS: Readonly<Record<EnvironmentKey, Caller>> = {
  admin: { id: 'env:admin', name: 'admin', role: 'admin' },
  operator: { id: 'env:operator', name: 'operator', role: 'operator' },
}

/** @returns whose key the presented one is, or null; every key is compared, whichever matches */
export function findEnvironmentKey(keys: EnvironmentKeys, presented: string): EnvironmentKey | null {
  let owner: EnvironmentKey | null = null
  for (const name of ENVIRONMENT_KEYS) {
    const key = keys[name]
    if (key !== null && isSameSecret(presented, key)) owner ??= name
  }
  return owner
}
