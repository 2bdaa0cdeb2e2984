import { isSameSecret } from '../../domain/same-secret.ts'
import type { Caller } from './caller.ts'

/** The keys of the environment by the name of their variable; null where there is none. */
export type EnvironmentKeys = Readonly<Record<'admin' | 'operator', string | null>>
export type EnvironmentKeyName = keyof EnvironmentKeys

export const ENVIRONMENT_CALLERS: Readonly<Record<EnvironmentKeyName, Caller>> = {
  admin: { id: 'env:admin', name: 'admin', role: 'admin' },
  operator: { id: 'env:operator', name: 'operator', role: 'operator' },
}

/** @returns whose key the presented one is, or null; every key is compared, whichever matches */
export function findEnvironmentKey(keys: EnvironmentKeys, presented: string): EnvironmentKeyName | null {
  let owner: EnvironmentKeyName | null = null
  for (const name of ['admin', 'operator'] as const) {
    const key = keys[name]
    if (key !== null && isSameSecret(presented, key)) owner ??= name
  }
  return owner
}
