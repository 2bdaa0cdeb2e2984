/**
 * What TextMagic posts to us, from bytes to meaning. Everything here is total: whatever arrives, the answer is a value or
 * null, never an exception, because a body that cannot be read must still be kept.
 */
export * from './inbound/body.ts'
export * from './inbound/messages.ts'
