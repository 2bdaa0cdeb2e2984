import { Type } from 'typebox'

const MAX_SERIAL = 2_147_483_647

/** A serial number of ours. */
export const Serial = Type.Integer({ minimum: 1, maximum: MAX_SERIAL })

/** @returns the serial number a path names, or null when nothing can have it */
export function serialOf(text: string): number | null {
  const id = /^[1-9]\d{0,9}$/.test(text) ? Number(text) : 0
  return id >= 1 && id <= MAX_SERIAL ? id : null
}
