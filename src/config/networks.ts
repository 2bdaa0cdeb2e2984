import { isIP } from 'node:net'

const NAMED = new Set(['loopback', 'linklocal', 'uniquelocal'])
const BITS: Readonly<Record<number, number>> = { 4: 32, 6: 128 }

/** An address, a network (`10.0.0.0/8`; never all there are), or a name for one that every machine has. */
export function isNetwork(text: string): boolean {
  if (NAMED.has(text)) return true
  const [address = '', length, ...rest] = text.split('/')
  const most = BITS[isIP(address)]
  if (most === undefined || rest.length > 0) return false
  return length === undefined || (/^\d{1,3}$/.test(length) && Number(length) >= 1 && Number(length) <= most)
}
