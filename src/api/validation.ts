import type { FastifySchemaCompiler, FastifySchemaValidationError } from 'fastify'
import Type, { type TSchema } from 'typebox'
import { Compile } from 'typebox/compile'
import { Settings } from 'typebox/system'
import type { FieldError } from './problem.ts'

/** Enough for every field of a body to be wrong in several ways; an answer must not grow with what is sent. */
const MAX_ERRORS = 64

/** Has errors name every field that is wrong. The library's own bound, which is one for the process, ends after eight. */
export function nameEveryField(): void {
  Settings.Set({ maxErrors: MAX_ERRORS })
}

/**
 * Checks requests against their schemas. Bodies are taken as they are: nothing is converted, removed or filled in. Path
 * and query values, which are always text, are read as numbers and booleans where they are exactly that. Text that
 * Postgres cannot store is refused everywhere.
 */
export const validatorCompiler: FastifySchemaCompiler<TSchema> = ({ schema, httpPart }) => {
  const validator = Compile(schema)
  return (sent: unknown) => {
    // The framework says null for a body that is not there.
    if (sent === null && Type.IsOptional(schema)) return { value: sent }
    const value = httpPart === 'body' ? sent : fromText(schema, sent)
    if (!validator.Check(value)) return { error: validator.Errors(value) }
    const path = findUnstorable(value)
    return path === null ? { value } : { error: [unstorable(path)] }
  }
}

function fromText(schema: TSchema, sent: unknown): unknown {
  if (!Type.IsObject(schema) || typeof sent !== 'object' || sent === null) return sent
  return Object.fromEntries(
    Object.entries(sent).map(([name, value]) => [name, readText(schema.properties[name], value)]),
  )
}

function readText(schema: TSchema | undefined, value: unknown): unknown {
  if (typeof value !== 'string' || schema === undefined) return value
  if (Type.IsInteger(schema) && /^-?\d{1,15}$/.test(value)) return Number(value)
  if (Type.IsBoolean(schema) && (value === 'true' || value === 'false')) return value === 'true'
  return value
}

/** The fields that failed, each once, with everything that is wrong with it in words. Values are not repeated. */
export function fieldErrors(validation: readonly FastifySchemaValidationError[], context: string): FieldError[] {
  const messages = new Map<string, Set<string>>()
  for (const { keyword, instancePath, params, message } of validation) {
    const note = (name: string | undefined, text: string) => {
      const field = fieldName(instancePath, name) || context
      messages.set(field, (messages.get(field) ?? new Set()).add(text))
    }
    if (keyword === 'additionalProperties') {
      for (const name of names(params.additionalProperties)) note(name, 'is not a known field')
    } else if (keyword === 'required') {
      for (const name of names(params.requiredProperties)) note(name, 'is required')
    } else if (keyword === 'boolean') {
      // Each unknown field is refused by itself; of many, the errors end before they are named together.
      note(undefined, 'is not a known field')
    } else if (keyword !== 'anyOf') {
      note(undefined, message ?? 'is not acceptable')
    }
  }
  return [...messages].map(([field, texts]) => ({ field, message: [...texts].join(' or ') }))
}

const MAX_FIELD_NAME = 100

/** `/config/price_cents` as `config.price_cents`. */
function fieldName(pointer: string, name: string | undefined): string {
  const parts = pointer.split('/').slice(1)
  return [...parts, ...(name === undefined ? [] : [name])].join('.').slice(0, MAX_FIELD_NAME)
}

function names(value: unknown): string[] {
  return Array.isArray(value) ? value.map(String) : []
}

function unstorable(path: string): FastifySchemaValidationError {
  return {
    keyword: 'storable',
    instancePath: path,
    schemaPath: '',
    params: {},
    message: 'must not hold a NUL character or half of a surrogate pair',
  }
}

/** @returns where in the value a text is that Postgres has no representation for, as a JSON pointer */
function findUnstorable(value: unknown, path = ''): string | null {
  if (typeof value === 'string') return value.includes('\0') || !value.isWellFormed() ? path : null
  if (typeof value !== 'object' || value === null) return null
  for (const [name, inner] of Object.entries(value)) {
    const found = findUnstorable(inner, `${path}/${name}`)
    if (found !== null) return found
  }
  return null
}
