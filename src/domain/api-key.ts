import { createHash, randomBytes } from 'node:crypto'

/** What our keys begin with, so that log masks and scanners for secrets recognise them. */
const PREFIX = 'lu_'
const KEY_BYTES = 32
const KEY = /^lu_[A-Za-z0-9_-]{43}$/

/** The keys of the environment, ADMIN_API_KEY and OPERATOR_API_KEY, by their names in the audit log. */
export const ENVIRONMENT_KEYS = ['admin', 'operator'] as const
export type EnvironmentKey = (typeof ENVIRONMENT_KEYS)[number]

/** Names of those keys and of what acts without one: in the audit log each must mean one thing. */
const RESERVED_NAMES: readonly string[] = [...ENVIRONMENT_KEYS, 'cli', 'retention', 'system']

const NAME = /^[a-z][a-z0-9._-]{0,62}$/

/** Draws a new API key: `lu_` and 32 random bytes in base64url. It is shown to one person once and stored nowhere. */
export function drawApiKey(): string {
  return PREFIX + randomBytes(KEY_BYTES).toString('base64url')
}

/** Whether a text looks like a key of ours; nothing else needs to be looked up. */
export function isApiKey(text: string): boolean {
  return KEY.test(text)
}

/** What is stored of a key. A plain SHA-256 is enough: nobody guesses 32 random bytes, so there is nothing to slow down. */
export function hashApiKey(key: string): string {
  return createHash('sha256').update(key).digest('hex')
}

/** @returns what is wrong with the name of a new key, or null */
export function keyNameProblem(name: string): string | null {
  if (RESERVED_NAMES.includes(name)) return 'is reserved'
  if (NAME.test(name)) return null
  return 'must be 1 to 63 lower-case letters, digits, dots, dashes or underscores, the first a letter'
}
