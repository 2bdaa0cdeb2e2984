import { splitList } from './list.ts'

/** A key of AES-256-GCM. Its id stands in front of what it sealed, so that older keys still open what they sealed. */
export type EncryptionKey = { id: string; key: Buffer }

const ENTRY = /^([A-Za-z0-9_-]{1,32}):([A-Za-z0-9+/]{43}=|[A-Za-z0-9_-]{43}=?)$/

/**
 * Reads `id:base64` entries, separated by commas, newest first.
 * @returns the keys, 32 bytes each, in the order given; at least one.
 * @throws RangeError when an entry is malformed or an id comes twice. Its message holds nothing of the value.
 */
export function parseEncryptionKeys(value: string): EncryptionKey[] {
  const keys: EncryptionKey[] = []
  for (const entry of splitList(value)) {
    const [, id, base64] = ENTRY.exec(entry) ?? []
    if (id === undefined || base64 === undefined)
      throw new RangeError('an encryption key must be id:base64 of 32 bytes')
    if (keys.some((other) => other.id === id)) throw new RangeError('an encryption key id must come once')
    keys.push({ id, key: Buffer.from(base64, 'base64') })
  }
  return keys
}
