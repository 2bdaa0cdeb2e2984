import { maskText } from './mask.ts'

/** What a log may say about an error. */
export type ErrorFacts = {
  /** The class. */
  type: string
  code?: string
  /** Without the values that the error was about; absent for errors of the database. */
  message?: string
  /** Frames only: the first line of a stack repeats the message. */
  stack?: string
  cause?: ErrorFacts
  errors?: ErrorFacts[]
  [fact: string]: unknown
}

/** Facts of errors by Postgres, Node and Stripe that name things of the program, never what was stored or sent. */
const PLAIN_FACTS = [
  'constraint',
  'table',
  'column',
  'routine',
  'severity',
  'syscall',
  'param',
  'requestId',
  'statusCode',
]

/** A code of ours or of Stripe's. */
const STABLE_CODE = /^[a-z][a-z0-9_]*$/
/** A code of the operating system, of Fastify and of undici: their messages are made of fixed words. */
const PLATFORM_CODE = /^(E[A-Z0-9]+|FST_ERR_\w+|UND_ERR_\w+)$/
const SQLSTATE = /^[0-9A-Z]{5}$/
/** From the first thing that opens a quotation, an object or a list to the last that closes one. */
const QUOTED = /["'`“{[].*["'`”}\]]/s
const FRAME = /^ +at (?:.*\((?:.*:\d+:\d+|<anonymous>|native)\)|(?:async )?\S+:\d+:\d+)$/
const DEPTH = 4
const FRAMES = 30
const PARTS = 5

/**
 * Tells what happened without telling what it happened to. Messages of libraries quote what they choke on: a parser the
 * text, the database the row, the mapper the whole entity.
 * @param error anything that was thrown.
 */
export function describeError(error: unknown, depth: number = DEPTH): ErrorFacts {
  if (!(error instanceof Error)) return { type: error === null ? 'null' : typeof error }
  const facts: ErrorFacts = { type: error.name === 'Error' ? error.constructor.name : error.name }
  const code = codeOf(error)
  if (code !== undefined) facts.code = code
  const message = messageOf(error, code)
  if (message !== undefined) facts.message = message
  for (const name of PLAIN_FACTS) {
    const fact: unknown = Reflect.get(error, name)
    if (typeof fact === 'number') facts[name] = fact
    if (typeof fact === 'string') facts[name] = maskText(fact)
  }
  const stack = framesOf(error)
  if (stack !== '') facts.stack = stack
  if (depth > 1 && error.cause !== undefined) facts.cause = describeError(error.cause, depth - 1)
  if (depth > 1 && error instanceof AggregateError) {
    facts.errors = error.errors.slice(0, PARTS).map((part: unknown) => describeError(part, depth - 1))
  }
  return facts
}

function codeOf(error: Error): string | undefined {
  const code: unknown = Reflect.get(error, 'code')
  if (typeof code === 'number') return String(code)
  return typeof code === 'string' && /^\w{1,64}$/.test(code) ? code : undefined
}

function messageOf(error: Error, code = ''): string | undefined {
  if (SQLSTATE.test(code) && 'severity' in error) return undefined
  const isPlain = STABLE_CODE.test(code) || PLATFORM_CODE.test(code)
  return maskText(isPlain ? error.message : error.message.replace(QUOTED, '[…]'))
}

function framesOf(error: Error): string {
  const lines = error.stack?.split('\n') ?? []
  return maskText(
    lines
      .filter((line) => FRAME.test(line))
      .slice(0, FRAMES)
      .join('\n'),
  )
}
