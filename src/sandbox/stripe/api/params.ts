import type Stripe from 'stripe'
import { invalidRequest, parameterMissing } from '../api-error.ts'
import type { Raw } from './form.ts'

/** Reads one parameter; `path` is its name as the client wrote it, e.g. `line_items[0][quantity]`. */
export type Decoder<T> = (raw: Raw | undefined, path: string) => T

/** The parameter may be absent. */
export function optional<T>(decoder: Decoder<T>): Decoder<T | undefined> {
  return (raw, path) => (raw === undefined ? undefined : decoder(raw, path))
}

/** A string that is not empty; Stripe reads an empty one as an attempt to unset what cannot be unset. */
export function text(maximum = 5000): Decoder<string> {
  return (raw, path) => {
    if (raw === undefined) throw parameterMissing(path)
    if (typeof raw !== 'string') throw invalidRequest(`Invalid string: ${path}`, 'parameter_invalid_string', path)
    if (raw === '') {
      const message = `You passed an empty string for '${path}'. We assume empty values are an attempt to unset a parameter; however '${path}' cannot be unset.`
      throw invalidRequest(message, 'parameter_invalid_empty', path)
    }
    if (raw.length > maximum) {
      throw invalidRequest(`Invalid string: must be at most ${maximum} characters`, 'parameter_invalid_string', path)
    }
    return raw
  }
}

/** A string that an empty value unsets. */
export function unsettableText(maximum: number): Decoder<string | null> {
  return (raw, path) => (raw === '' ? null : text(maximum)(raw, path))
}

export function integer(minimum = Number.MIN_SAFE_INTEGER, maximum = Number.MAX_SAFE_INTEGER): Decoder<number> {
  return (raw, path) => {
    const given = text()(raw, path)
    if (!/^-?\d+$/.test(given)) throw invalidRequest(`Invalid integer: ${given}`, 'parameter_invalid_integer', path)
    const value = Number(given)
    if (value < minimum) {
      throw invalidRequest(`This value must be greater than or equal to ${minimum}.`, 'parameter_invalid_integer', path)
    }
    if (value > maximum) {
      throw invalidRequest(`This value must be less than or equal to ${maximum}.`, 'parameter_invalid_integer', path)
    }
    return value
  }
}

export const bool: Decoder<boolean> = (raw, path) => {
  const given = text()(raw, path)
  if (given !== 'true' && given !== 'false') throw invalidRequest(`Invalid boolean: ${given}`, undefined, path)
  return given === 'true'
}

export function oneOf<const T extends string>(...values: T[]): Decoder<T> {
  return (raw, path) => {
    const given = text()(raw, path)
    const value = values.find((candidate) => candidate === given)
    if (value === undefined)
      throw invalidRequest(`Invalid ${path}: must be one of ${values.join(', ')}`, undefined, path)
    return value
  }
}

export function list<T>(decoder: Decoder<T>, maximum = 100): Decoder<T[]> {
  return (raw, path) => {
    if (raw === undefined) throw parameterMissing(path)
    if (typeof raw === 'string' || Object.keys(raw).some((key) => !/^\d+$/.test(key))) {
      throw invalidRequest('Invalid array', undefined, path)
    }
    const items = Object.values(raw)
    if (items.length > maximum) throw invalidRequest(`Array ${path} exceeded maximum ${maximum} allowed elements.`)
    return items.map((item, index) => decoder(item, `${path}[${index}]`))
  }
}

type Fields<T> = { [K in keyof T]: Decoder<T[K]> }

/** An object of exactly these fields; another one is `parameter_unknown`. */
export function object<T extends object>(fields: Fields<T>): Decoder<T> {
  return (raw, path) => {
    if (raw === undefined) throw parameterMissing(path)
    if (typeof raw === 'string') throw invalidRequest('Invalid object', undefined, path)
    const at = (name: string) => (path === '' ? name : `${path}[${name}]`)
    for (const name of Object.keys(raw)) {
      if (!Object.hasOwn(fields, name)) {
        throw invalidRequest(`Received unknown parameter: ${at(name)}`, 'parameter_unknown', at(name))
      }
    }
    const decoded = Object.entries<Decoder<unknown>>(fields).map(([name, decoder]) => [
      name,
      decoder(Object.hasOwn(raw, name) ? raw[name] : undefined, at(name)),
    ])
    return Object.fromEntries(decoded)
  }
}

/**
 * Up to 50 keys of 40 characters with values of 500 (https://docs.stripe.com/metadata); null
 * (an empty parameter) unsets all of it, an empty value its key: see `mergeMetadata`.
 */
export const metadata: Decoder<Stripe.Metadata | null> = (raw, path) => {
  if (raw === '') return null
  if (raw === undefined) throw parameterMissing(path)
  if (typeof raw === 'string') throw invalidRequest('Invalid object', undefined, path)
  const entries = Object.entries(raw)
  if (entries.length > 50) throw invalidRequest('You cannot set more than 50 metadata keys.', undefined, path)
  return Object.fromEntries(
    entries.map(([key, value]) => {
      if (typeof value !== 'string')
        throw invalidRequest('Metadata values must be strings', undefined, `${path}[${key}]`)
      if (key.length > 40) throw invalidRequest('Metadata keys must be under 40 characters', undefined, path)
      if (value.length > 500) {
        throw invalidRequest('Metadata values can have up to 500 characters', undefined, `${path}[${key}]`)
      }
      return [key, value]
    }),
  )
}

/** A parameter Stripe has and the emulator does not: refused, since ignoring it would make a test pass wrongly. */
export const notEmulated: Decoder<undefined> = (raw, path) => {
  if (raw !== undefined) {
    throw invalidRequest(`The Stripe emulator does not implement ${path}.`, 'not_emulated', path)
  }
  return undefined
}
