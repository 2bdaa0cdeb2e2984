import { invalidRequest } from '../api-error.ts'

/** What a search can ask of an object. */
export type Searchable = {
  fields: Record<string, string>
  metadata: Record<string, string>
}

type Clause = (object: Searchable) => boolean

const clausePattern = /\s*(\w+)(?:\['([^']*)'\])?:'((?:\\.|[^'\\])*)'\s*/y
const andPattern = /AND\s/y

/**
 * Reads a query of https://docs.stripe.com/search#search-query-language, e.g.
 * `metadata['unlock_id']:'12' AND status:'succeeded'`: of that language no more than equality and AND.
 * Throws a 400 in Stripe's shape for what it cannot read or a field that cannot be searched.
 */
export function parseSearchQuery(query: string, searchableFields: readonly string[]): Clause {
  const clauses: Clause[] = []
  let position = 0
  const next = (pattern: RegExp) => {
    pattern.lastIndex = position
    const match = pattern.exec(query)
    if (match === null) throw invalidRequest(`Invalid search query near position ${position}.`, undefined, 'query')
    position = pattern.lastIndex
    return match
  }
  do {
    if (clauses.length > 0) next(andPattern)
    clauses.push(clauseOf(next(clausePattern), searchableFields))
  } while (position < query.length)
  return (object) => clauses.every((clause) => clause(object))
}

function clauseOf(match: RegExpExecArray, searchableFields: readonly string[]): Clause {
  const [, field = '', key, quoted = ''] = match
  const wanted = quoted.replaceAll(/\\(.)/g, '$1')
  if (field === 'metadata' && key !== undefined) return ({ metadata }) => metadata[key] === wanted
  if (key !== undefined || !searchableFields.includes(field)) {
    throw invalidRequest(`Field \`${field}\` is an unsupported search field.`, undefined, 'query')
  }
  return ({ fields }) => fields[field] === wanted
}
