import type { ConfigProblem } from './error.ts'
import { splitList } from './list.ts'
import type { Environment } from './variables.ts'

/** Stands in every secret that the sandbox draws, so that none of them can be taken along into production. */
export const SANDBOX_MARK = 'sandbox'

/** 16 random bytes in hex: more than can be guessed, however slowly failures are counted. */
const SECRET_LENGTH = 32
/** 32 random hex digits have about 14 different ones; fewer than 8 is a key pressed down. */
const FEWEST_DIFFERENT = 8

/** What stands in examples, in tests and in the sandbox; none of it turns up in a secret that was drawn at random. */
const KNOWN_VALUE = new RegExp(
  `${SANDBOX_MARK}|for[-_]tests|example|change[-_]?me|placeholder|your[-_]|dummy|x{4}`,
  'i',
)
/** Passwords of a database that everybody tries. */
const KNOWN_PASSWORDS = new Set(['postgres', 'password', 'secret', 'lead_unlock', 'root', 'admin'])

const DRAWN = `at least ${SECRET_LENGTH} characters without spaces, drawn at random (openssl rand -hex 32)`
const OWN_SECRETS = ['ADMIN_API_KEY', 'OPERATOR_API_KEY', 'METRICS_TOKEN', 'TEXTMAGIC_WEBHOOK_TOKEN'] as const
const GATEWAY_SECRETS = ['STRIPE_SECRET_KEY', 'TEXTMAGIC_USERNAME', 'TEXTMAGIC_API_KEY'] as const

/** What belongs into a variable that is missing or malformed, where production asks for more than a laptop does. */
export function expectedInProduction(variable: string): string | undefined {
  return OWN_SECRETS.some((secret) => secret === variable) ? DRAWN : undefined
}

/**
 * What a laptop may do and production must not: NODE_ENV=production refuses to start without a token at TextMagic's
 * callbacks, with secrets that are short, guessable or published, and with gateways that are not reached over TLS.
 *
 * @param values the environment as it was read; what is missing or malformed is reported elsewhere
 */
export function productionProblems(values: Readonly<Record<string, unknown>>): ConfigProblem[] {
  const text = (variable: keyof Environment): string | undefined => {
    const value = values[variable]
    return typeof value === 'string' ? value : undefined
  }
  const problems: ConfigProblem[] = []
  const check = (variable: keyof Environment, weakness: (value: string) => string | null, expected: string) => {
    const value = text(variable)
    const problem = value === undefined ? null : weakness(value)
    if (problem !== null) problems.push({ variable, problem, expected })
  }
  if (text('TEXTMAGIC_WEBHOOK_TOKEN') === undefined) {
    problems.push({ variable: 'TEXTMAGIC_WEBHOOK_TOKEN', problem: 'is missing', expected: DRAWN })
  }
  for (const variable of OWN_SECRETS) check(variable, ownSecretWeakness, DRAWN)
  for (const variable of GATEWAY_SECRETS) check(variable, publishedness, "the account's own")
  check(
    'STRIPE_WEBHOOK_SECRET',
    anyOf(signingSecretWeakness),
    "the signing secret of Stripe's webhook endpoint (whsec_…)",
  )
  check('ENCRYPTION_KEYS', anyOf(encryptionWeakness), 'keys drawn at random (openssl rand -base64 32)')
  for (const variable of ['STRIPE_API_URL', 'TEXTMAGIC_API_URL'] as const) check(variable, plainness, 'an https URL')
  check('DATABASE_URL', databaseWeakness, 'a password drawn at random, or none where the server asks for none')
  return problems
}

function ownSecretWeakness(secret: string): string | null {
  if (secret.length < SECRET_LENGTH) return 'is too short for production'
  return publishedness(secret) ?? (new Set(secret).size < FEWEST_DIFFERENT ? 'can be guessed' : null)
}

function publishedness(secret: string): string | null {
  return KNOWN_VALUE.test(secret) ? 'is a value of the sandbox or of an example' : null
}

function signingSecretWeakness(secret: string): string | null {
  return secret.startsWith('whsec_') ? publishedness(secret) : 'is not a signing secret of Stripe'
}

function encryptionWeakness(entry: string): string | null {
  const [id = '', key = ''] = entry.split(':')
  if (id === SANDBOX_MARK) return 'holds a key of the sandbox'
  return new Set(Buffer.from(key, 'base64')).size < FEWEST_DIFFERENT ? 'holds a key that can be guessed' : null
}

/** A URL without a password is fine: the server then decides by certificate, socket or address. */
function databaseWeakness(text: string): string | null {
  const { username, password } = new URL(text)
  if (password === '') return null
  const isKnown = KNOWN_PASSWORDS.has(password.toLowerCase()) || password === username
  return isKnown ? 'has a password that everybody tries' : null
}

function plainness(url: string): string | null {
  return url.toLowerCase().startsWith('http:') ? 'is not encrypted (http)' : null
}

function anyOf(weakness: (value: string) => string | null): (list: string) => string | null {
  return (list) =>
    splitList(list)
      .map(weakness)
      .find((found) => found !== null) ?? null
}
