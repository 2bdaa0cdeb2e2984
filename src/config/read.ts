import Type from 'typebox'
import { Value } from 'typebox/value'
import { validatePrice } from '../domain/money.ts'
import { hasCommonHours, parseQuietHours, parseTimeZones } from '../domain/quiet-hours.ts'
import { ConfigError, type ConfigProblem } from './error.ts'
import { expectedInProduction, productionProblems } from './production.ts'
import { Environment, NO_EXPLANATION } from './variables.ts'

const DECIMAL = /^\d+(\.\d+)?$/

/** What a process needs of the environment that works on the database alone. */
export const DatabaseEnvironment = Type.Pick(Environment, ['DATABASE_URL', 'NODE_EXTRA_CA_CERTS', 'LOG_LEVEL'])

/** What says which queues a worker serves. */
export const QueuesEnvironment = Type.Pick(Environment, ['WORKER_QUEUES'])

/** What sealing anew needs of it. Weak keys are no reason to refuse: they may be the ones to get rid of. */
export const RotateEnvironment = Type.Pick(Environment, [
  'DATABASE_URL',
  'NODE_EXTRA_CA_CERTS',
  'LOG_LEVEL',
  'ENCRYPTION_KEYS',
])

/**
 * Checks the variables of a schema: space around a value is dropped, an empty one counts as missing, numbers are read
 * from plain decimal digits, defaults are filled in.
 * @throws {ConfigError} with every problem found.
 */
export function readEnvironment<Properties extends Type.TProperties>(
  schema: Type.TObject<Properties>,
  env: NodeJS.ProcessEnv,
): Type.Static<Type.TObject<Properties>> {
  const isProduction = env.NODE_ENV?.trim() === 'production'
  const values: Record<string, unknown> = {}
  const problems: ConfigProblem[] = []
  for (const [variable, property] of Object.entries(schema.properties)) {
    const value = readValue(env[variable], property)
    if (value !== undefined) values[variable] = value
    const problem = problemOf(value, property)
    if (problem === null) continue
    const expected = isProduction ? expectedInProduction(variable) : undefined
    problems.push({ variable, problem, expected: expected ?? Reflect.get(property, 'description') })
  }
  problems.push(...problemsBetween(values, problems))
  if (values.NODE_ENV === 'production') {
    const reported = new Set(problems.map(({ variable }) => variable))
    const isSound = (variable: string) => !reported.has(variable)
    const sound = Object.fromEntries(Object.entries(values).filter(([variable]) => isSound(variable)))
    problems.push(...productionProblems(sound).filter(({ variable }) => isSound(variable)))
  }
  if (problems.length > 0 || !Value.Check(schema, values)) throw new ConfigError(problems)
  return values
}

function readValue(raw: string | undefined, property: Type.TSchema): unknown {
  const text = raw?.trim() ?? ''
  if (text === '') return Reflect.get(property, 'default')
  return (Type.IsInteger(property) || Type.IsNumber(property)) && DECIMAL.test(text) ? Number(text) : text
}

function problemOf(value: unknown, property: Type.TSchema): string | null {
  if (value === undefined) return Type.IsOptional(property) ? null : 'is missing'
  if (Value.Check(property, value)) return null
  const refused = Value.Errors(property, value).find(({ keyword }) => keyword === '~refine')
  const explanation = refused?.message ?? NO_EXPLANATION
  return explanation === NO_EXPLANATION ? 'is malformed' : `is malformed: ${explanation}`
}

/** What is wrong with variables that are each fine on their own. */
function problemsBetween(values: Record<string, unknown>, found: readonly ConfigProblem[]): ConfigProblem[] {
  const problems: ConfigProblem[] = []
  const { ADMIN_API_KEY, OPERATOR_API_KEY, METRICS_TOKEN, DEFAULT_PRICE_CENTS, DEFAULT_CURRENCY } = values
  if (OPERATOR_API_KEY !== undefined && OPERATOR_API_KEY === ADMIN_API_KEY) {
    problems.push({
      variable: 'OPERATOR_API_KEY',
      problem: 'is the same as ADMIN_API_KEY',
      expected: 'a key of its own: operators do not see locked fields',
    })
  }
  for (const [name, key] of Object.entries({ ADMIN_API_KEY, OPERATOR_API_KEY })) {
    if (METRICS_TOKEN === undefined || METRICS_TOKEN !== key) continue
    problems.push({
      variable: 'METRICS_TOKEN',
      problem: `is the same as ${name}`,
      expected: 'a token of its own: whoever collects metrics sees nothing else',
    })
  }
  const areSound = (...names: string[]) => !found.some(({ variable }) => names.includes(variable))
  const isPriceSound = areSound('DEFAULT_PRICE_CENTS', 'DEFAULT_CURRENCY')
  if (isPriceSound && typeof DEFAULT_PRICE_CENTS === 'number' && typeof DEFAULT_CURRENCY === 'string') {
    const price = validatePrice(DEFAULT_PRICE_CENTS, DEFAULT_CURRENCY)
    if (price !== null) {
      problems.push({ variable: 'DEFAULT_PRICE_CENTS', problem: price.message, expected: 'a price that Stripe takes' })
    }
  }
  const { QUIET_HOURS, DEFAULT_TIME_ZONES } = values
  const areHoursSound = areSound('QUIET_HOURS', 'DEFAULT_TIME_ZONES')
  if (areHoursSound && typeof QUIET_HOURS === 'string' && typeof DEFAULT_TIME_ZONES === 'string') {
    if (!hasCommonHours(parseTimeZones(DEFAULT_TIME_ZONES), parseQuietHours(QUIET_HOURS))) {
      const expected = 'zones that have an hour outside QUIET_HOURS in common'
      problems.push({ variable: 'DEFAULT_TIME_ZONES', problem: 'leaves no time to send an offer', expected })
    }
  }
  return problems
}
