import { invalidRequest } from '../api-error.ts'

/** A decoded form value: `a[b][0]=c` is `{a: {b: {0: 'c'}}}`; whether digits mean a list is for its reader to know. */
export type Raw = string | RawObject
export type RawObject = { [key: string]: Raw }

type Branch = Map<string, string | Branch>

/**
 * Decodes `application/x-www-form-urlencoded` with nested keys, the encoding of every Stripe request; brackets may be
 * literal or percent-encoded. Throws a 400 in Stripe's shape for what cannot be decoded.
 */
export function decodeForm(encoded: string): RawObject {
  const root: Branch = new Map()
  for (const pair of encoded.split('&')) {
    if (pair === '') continue
    const equals = pair.indexOf('=')
    const key = decode(equals < 0 ? pair : pair.slice(0, equals))
    const value = equals < 0 ? '' : decode(pair.slice(equals + 1))
    plant(root, pathOf(key), value, key)
  }
  return objectOf(root)
}

function decode(text: string): string {
  try {
    return decodeURIComponent(text.replaceAll('+', ' '))
  } catch (error) {
    throw invalidRequest(`Invalid request: ${error instanceof Error ? error.message : 'malformed encoding'}.`)
  }
}

function pathOf(key: string): string[] {
  const bracket = key.indexOf('[')
  if (bracket <= 0) return [key]
  const steps = key.slice(bracket)
  if (!/^(\[[^[\]]*\])+$/.test(steps)) throw invalidRequest(`Invalid parameter name: ${key}`)
  return [key.slice(0, bracket), ...steps.slice(1, -1).split('][')]
}

function plant(root: Branch, path: string[], value: string, key: string): void {
  let branch = root
  for (const [depth, step] of path.entries()) {
    const name = step === '' ? String(branch.size) : step
    if (depth === path.length - 1) {
      branch.set(name, value)
      return
    }
    const next = branch.get(name) ?? new Map()
    if (typeof next === 'string') throw invalidRequest(`Invalid parameter name: ${key}`)
    branch.set(name, next)
    branch = next
  }
}

function objectOf(branch: Branch): RawObject {
  return Object.fromEntries(
    [...branch].map(([key, value]) => [key, typeof value === 'string' ? value : objectOf(value)]),
  )
}
