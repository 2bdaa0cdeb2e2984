import { invalidRequest } from '../api-error.ts'

/** What a search can ask of an object. */
export type Searchable = {
  fields: Record<string, string | number | null>
  metadata: Record<string, string>
}

type Clause = (object: Searchable) => boolean

const clausePattern =
  /\s*(-?)(\w+)(?:\[(?:'([^']*)'|"([^"]*)")\])?(:|~|>=|<=|>|<)(?:'((?:\\.|[^'\\])*)'|"((?:\\.|[^"\\])*)"|(-?\d+)|(null))\s*/y
const connectivePattern = /(AND|OR)\s/y

/**
 * Reads a query of https://docs.stripe.com/search#search-query-language, e.g.
 * `metadata['unlock_id']:'12' AND status:'succeeded'`: clauses joined by AND or by OR, not both; `-` negates one.
 * Throws a 400 in Stripe's shape for what it cannot read or a field that cannot be searched.
 */
export function parseSearchQuery(query: string, searchableFields: readonly string[]): Clause {
  const clauses: Clause[] = []
  const connectives = new Set<string>()
  let position = 0
  const next = (pattern: RegExp) => {
    pattern.lastIndex = position
    const match = pattern.exec(query)
    if (match === null) throw invalidRequest(`Invalid search query near position ${position}.`, undefined, 'query')
    position = pattern.lastIndex
    return match
  }
  do {
    if (clauses.length > 0) connectives.add(next(connectivePattern)[1] ?? '')
    clauses.push(clauseOf(next(clausePattern), searchableFields))
  } while (position < query.length)
  if (connectives.size > 1) {
    throw invalidRequest('Search queries cannot combine AND and OR.', undefined, 'query')
  }
  return (object) =>
    connectives.has('OR') ? clauses.some((clause) => clause(object)) : clauses.every((clause) => clause(object))
}

function clauseOf(match: RegExpExecArray, searchableFields: readonly string[]): Clause {
  const [, negation, field = '', key1, key2, operator = ':', text1, text2, number, isNull] = match
  const key = key1 ?? key2
  const wanted = isNull !== undefined ? null : (number ?? (text1 ?? text2 ?? '').replaceAll(/\\(.)/g, '$1'))
  const isMetadata = field === 'metadata' && key !== undefined
  if (!isMetadata && !searchableFields.includes(field)) {
    throw invalidRequest(`Field \`${field}\` is an unsupported search field.`, undefined, 'query')
  }
  return (object) => {
    const value = isMetadata ? object.metadata[key] : object.fields[field]
    return compare(value ?? null, operator, wanted) !== (negation === '-')
  }
}

function compare(value: string | number | null, operator: string, wanted: string | null): boolean {
  if (wanted === null || value === null) return wanted === value
  switch (operator) {
    case ':':
      return String(value) === wanted
    case '~':
      return String(value).includes(wanted)
    case '>':
      return Number(value) > Number(wanted)
    case '>=':
      return Number(value) >= Number(wanted)
    case '<':
      return Number(value) < Number(wanted)
    default:
      return Number(value) <= Number(wanted)
  }
}
