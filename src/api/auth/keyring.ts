import { createHash, timingSafeEqual } from 'node:crypto'

export type KeyName = 'admin' | 'operator'

/**
 * Compares a presented secret with the right one in a time that tells nothing about either: hashes of equal length are
 * compared, not the texts.
 */
export function isSameSecret(presented: string, expected: string): boolean {
  return timingSafeEqual(sha256(presented), sha256(expected))
}

/**
 * @param keys the configured API keys; null matches nothing
 * @returns tells whose key a presented one is, or null; every key is compared, whichever matches
 */
export function createKeyring(keys: Record<KeyName, string | null>): (presented: string) => KeyName | null {
  const known = [
    ['admin', keys.admin],
    ['operator', keys.operator],
  ] as const
  return (presented) => {
    let owner: KeyName | null = null
    for (const [name, key] of known) if (key !== null && isSameSecret(presented, key)) owner ??= name
    return owner
  }
}

function sha256(text: string): Buffer {
  return createHash('sha256').update(text).digest()
}
