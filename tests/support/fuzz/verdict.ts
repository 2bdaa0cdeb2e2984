import Schema from 'typebox/schema'
import type { Operation } from './document.ts'
import type { FuzzRequest } from './requests.ts'
import { LOCKED_MARK } from './values.ts'

export type FuzzAnswer = { status: number; headers: Readonly<Record<string, unknown>>; text: string }

const PROBLEM = 'application/problem+json'

/** What an inner error looks like; nothing that is sent does. */
const INNER: readonly RegExp[] = [
  /\n\s+at .+[:(]\d+/,
  /node_modules|node:internal|file:\/\/|\.ts:\d+/,
  /\/(?:work|home|root|app|src|tmp)\//,
  /\b(?:select .+ from|insert into|update .+ set|delete from)\b/i,
  /relation "|column "|violates .+ constraint|syntax error at or near|invalid input syntax|SQLSTATE/i,
  /ECONN[A-Z]+|ENOENT|127\.0\.0\.1:\d+|postgres(?:ql)?:\/\/|rediss?:\/\//,
  /TypeError|RangeError|SyntaxError|MikroORM|DriverException|ReplyError/,
]

/** Compiled once for each schema of the document. */
const validators = new WeakMap<object, ReturnType<typeof Schema.Compile>>()

/**
 * What is wrong with an answer: a status of ours to blame, or one that the document does not promise; a body of another
 * shape; anything of the inside, a secret, or a locked field for those who may not see it.
 *
 * @param secrets never to be seen by anybody
 */
export function faultsOf(request: FuzzRequest, answer: FuzzAnswer, secrets: readonly string[]): string[] {
  const { operation } = request
  const faults: string[] = []
  const type = String(answer.headers['content-type'] ?? '').split(';', 1)[0] ?? ''
  if (answer.status >= 500 && !isNotReady(operation, answer)) faults.push(`answered ${answer.status}`)
  if (answer.status >= 400 && type !== PROBLEM) faults.push(`an error as ${type || 'nothing'}`)
  const body = parse(answer.text)
  if (isRouted(request)) faults.push(...undeclared(operation, answer.status, type, body))
  if (type === PROBLEM) faults.push(...strangeProblem(answer, body))
  const told = type === PROBLEM ? JSON.stringify({ ...Object(body), instance: '' }) : answer.text
  for (const pattern of INNER) if (pattern.test(told)) faults.push(`shows ${pattern}`)
  for (const secret of secrets) if (answer.text.includes(secret)) faults.push('shows a secret')
  if (answer.text.includes(LOCKED_MARK) && !maySeeLocked(request)) faults.push('shows a locked field')
  return faults
}

/** How readiness says that a store took too long, on a machine that has too much to do. */
function isNotReady({ path }: Operation, { status }: FuzzAnswer): boolean {
  return path === '/readyz' && status === 503
}

/** Whether the path is still the one of the call: what stands for an id may lead elsewhere, or nowhere. */
function isRouted({ operation, url }: FuzzRequest): boolean {
  const sent = new URL(url, 'http://api.test').pathname.split('/')
  const wanted = operation.path.split('/')
  return (
    sent.length === wanted.length &&
    wanted.every((part, index) => part === sent[index] || (part.startsWith('{') && isId(sent[index])))
  )
}

function isId(segment = ''): boolean {
  try {
    const id = decodeURIComponent(segment)
    return id !== '' && id.length <= 256
  } catch (error) {
    if (error instanceof URIError) return false
    throw error
  }
}

function undeclared({ answers }: Operation, status: number, type: string, body: unknown): string[] {
  const declared = answers.get(status)
  if (declared === undefined) return [`${status} is not declared`]
  if (declared.size === 0) return []
  const schema = declared.get(type)
  if (schema === undefined) return [`${status} as ${type} is not declared`]
  if (body === undefined) return []
  const validator = validators.get(schema) ?? Schema.Compile(schema)
  validators.set(schema, validator)
  return validator.Check(body) ? [] : [`${status} has another shape than declared`]
}

function strangeProblem({ status, headers }: FuzzAnswer, body: unknown): string[] {
  const problem: Record<string, unknown> = Object(body)
  const faults: string[] = []
  if (problem.status !== status) faults.push('a problem of another status')
  if (problem.request_id !== headers['x-request-id']) faults.push('a problem of another request')
  if (String(problem.instance).includes('?')) faults.push('a problem that repeats the query')
  return faults
}

function maySeeLocked({ operation, caller, url }: FuzzRequest): boolean {
  return caller === 'admin' && operation.name === 'GET /api/leads/{id}' && url.includes('include_locked=true')
}

function parse(text: string): unknown {
  try {
    return JSON.parse(text)
  } catch (error) {
    if (error instanceof SyntaxError) return undefined
    throw error
  }
}
