import type Stripe from 'stripe'

/** What `current` becomes by this update: null clears it, an empty value removes its key, absence changes nothing. */
export function mergeMetadata(current: Stripe.Metadata, update: Stripe.Metadata | null | undefined): Stripe.Metadata {
  if (update === null) return {}
  const merged = { ...current, ...update }
  return Object.fromEntries(Object.entries(merged).filter(([, value]) => value !== ''))
}
