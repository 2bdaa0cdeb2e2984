import { invalidRequest } from '../api-error.ts'
import type { State } from '../ledger/state.ts'

const deepest = 4

/** Replaces the ids at these paths (`latest_charge`, `data.payment_intent`) by their objects: https://docs.stripe.com/api/expanding_objects. */
export function expand(body: unknown, paths: readonly string[], state: State): unknown {
  return paths.reduce((expanded, path) => {
    const steps = path.split('.')
    if (steps.length > deepest) throw invalidRequest(`You cannot expand more than ${deepest} levels of a property.`)
    return expandPath(expanded, steps, path, state)
  }, body)
}

function expandPath(value: unknown, steps: readonly string[], path: string, state: State): unknown {
  const [step, ...rest] = steps
  if (step === undefined || value === null) return value
  if (Array.isArray(value)) return value.map((item) => expandPath(item, steps, path, state))
  if (typeof value !== 'object' || !(step in value)) {
    throw invalidRequest(`This property cannot be expanded (${path}).`, undefined, 'expand')
  }
  const held: unknown = Object.entries(value).find(([key]) => key === step)?.[1]
  const replaced = typeof held === 'string' ? objectOf(held, path, state) : held
  return { ...value, [step]: expandPath(replaced, rest, path, state) }
}

function objectOf(id: string, path: string, state: State): unknown {
  const object =
    state.paymentIntents.get(id) ?? state.charges.get(id) ?? state.sessions.get(id) ?? state.links.get(id)?.link
  if (object === undefined) throw invalidRequest(`This property cannot be expanded (${path}).`, undefined, 'expand')
  return object
}
