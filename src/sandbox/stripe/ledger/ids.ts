import { randomInt } from 'node:crypto'

const alphabet = '0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz'

/** A new Stripe-like id: `plink_1a2B…`. Callers must treat it as opaque, so its letters are random. */
export function newId(prefix: string, length = 24): string {
  let id = `${prefix}_`
  for (let i = 0; i < length; i += 1) id += alphabet[randomInt(alphabet.length)]
  return id
}
