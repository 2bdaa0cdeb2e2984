import { hash, timingSafeEqual } from 'node:crypto'

/**
 * Compares a presented secret with the right one in a time that tells nothing about either: hashes of equal length are
 * compared, not the texts.
 */
export function isSameSecret(presented: string, expected: string): boolean {
  return timingSafeEqual(sha256(presented), sha256(expected))
}

function sha256(text: string): Buffer {
  return hash('sha256', text, 'buffer')
}
