import {
  createCipheriv,
  createDecipheriv,
  createHmac,
  createSecretKey,
  type KeyObject,
  randomBytes,
  timingSafeEqual,
} from 'node:crypto'

export type EncryptionKey = { id: string; key: Buffer }

const FORMAT = 'v1'
const IV_BYTES = 12
/** Random bytes are fetched for so many values at a time: asking for twelve costs as much as sealing does. */
const IVS_AT_ONCE = 256
const TAG_BYTES = 16

/** A value could not be opened: unknown key id, tampered bytes, or moved from another row or column. */
export class UnsealError extends Error {
  readonly code = 'unseal_failed'
}

/** Seals what must not be readable in the database or a backup: AES-256-GCM, the newest key writes, all keys read. */
export type Sealer = {
  /**
   * @param value plain text
   * @param place where it will stand, e.g. `leads.client_phone:lead_abc12345`; opening it elsewhere fails
   * @returns `v1.<key id>.<base64url of iv, tag, ciphertext>`
   */
  seal(value: string | Buffer, place: string): string
  /** @throws {UnsealError} */
  open(sealed: string, place: string): string
  openBytes(sealed: string, place: string): Buffer
  /** `<key id>.<hmac>` of a text that must be recognised again but not stored. */
  fingerprint(text: string): string
  /** True when `fingerprint` was made of `text`, under whichever key. */
  matches(fingerprint: string, text: string): boolean
}

/**
 * @param keys newest first; at least one
 * @throws {Error} when there is no key
 */
export function createSealer(keys: readonly EncryptionKey[]): Sealer {
  // Made once: the library would make one of the bytes for every value.
  const byId = new Map(keys.map(({ id, key }) => [id, createSecretKey(key)]))
  const newestId = keys[0]?.id ?? ''
  const newestKey = byId.get(newestId)
  if (newestKey === undefined) throw new Error('at least one encryption key is needed')

  const openBytes = (sealed: string, place: string): Buffer => {
    const [format, id, data] = sealed.split('.')
    const key = byId.get(id ?? '')
    if (format !== FORMAT || key === undefined || data === undefined) {
      throw new UnsealError(key === undefined ? 'sealed with a key that is not configured' : 'not a sealed value')
    }
    const bytes = Buffer.from(data, 'base64url')
    try {
      // Said, because the library would be content with a quarter of a tag.
      const tag = { authTagLength: TAG_BYTES }
      const decipher = createDecipheriv('aes-256-gcm', key, bytes.subarray(0, IV_BYTES), tag)
      decipher.setAAD(Buffer.from(place))
      decipher.setAuthTag(bytes.subarray(IV_BYTES, IV_BYTES + TAG_BYTES))
      return Buffer.concat([decipher.update(bytes.subarray(IV_BYTES + TAG_BYTES)), decipher.final()])
    } catch (cause) {
      throw new UnsealError('sealed value does not open here', { cause })
    }
  }

  let unused = Buffer.alloc(0)
  const freshIv = (): Buffer => {
    if (unused.length === 0) unused = randomBytes(IV_BYTES * IVS_AT_ONCE)
    const iv = unused.subarray(0, IV_BYTES)
    unused = unused.subarray(IV_BYTES)
    return iv
  }

  const hmac = (key: KeyObject, text: string) =>
    createHmac('sha256', key).update(`fingerprint:${text}`).digest('base64url')

  return {
    seal(value, place) {
      const iv = freshIv()
      const cipher = createCipheriv('aes-256-gcm', newestKey, iv)
      cipher.setAAD(Buffer.from(place))
      const ciphertext = Buffer.concat([cipher.update(value), cipher.final()])
      return [FORMAT, newestId, Buffer.concat([iv, cipher.getAuthTag(), ciphertext]).toString('base64url')].join('.')
    },
    open: (sealed, place) => openBytes(sealed, place).toString('utf8'),
    openBytes,
    fingerprint: (text) => `${newestId}.${hmac(newestKey, text)}`,
    matches(fingerprint, text) {
      const [id, mac] = fingerprint.split('.')
      const key = byId.get(id ?? '')
      if (key === undefined || mac === undefined) return false
      const expected = hmac(key, text)
      return expected.length === mac.length && timingSafeEqual(Buffer.from(expected), Buffer.from(mac))
    },
  }
}
