import { type Static, Type } from 'typebox'

/** Every kind of problem the ingress answers, by its stable code. */
const PROBLEMS = {
  'invalid-request': [400, 'The request is malformed'],
  'bad-signature': [400, 'The signature is missing or wrong'],
  unauthorized: [401, 'Authentication is missing or wrong'],
  forbidden: [403, 'This key may not do that'],
  'not-found': [404, 'There is no such thing'],
  'phone-taken': [409, 'The phone number belongs to another provider'],
  'idempotency-conflict': [409, 'The idempotency key was used with another body'],
  'contact-erased': [409, 'The contact details of this lead were erased'],
  'not-allowed-now': [409, 'The state does not allow this'],
  'too-large': [413, 'The body is too large'],
  'unsupported-media-type': [415, 'The body has a type that is not taken here'],
  unacceptable: [422, 'A value cannot be accepted'],
  'bad-file': [422, 'The file has errors'],
  'unknown-provider': [422, 'A provider does not exist'],
  'too-many-failures': [429, 'Too many failed authentications'],
  'too-many-requests': [429, 'Too many requests with this key'],
  internal: [500, 'Something went wrong here'],
  overloaded: [503, 'Too much to do at the moment'],
  unavailable: [503, 'Temporarily unavailable'],
  'not-ready': [503, 'Not ready'],
} as const satisfies Record<string, readonly [status: number, title: string]>

export type ProblemCode = keyof typeof PROBLEMS

/** A field of the request, or of a line of its file, and what is wrong with it; never its value. */
export type FieldError = { field: string; message: string; line?: number }

export const PROBLEM_CONTENT_TYPE = 'application/problem+json'

const ProblemSchema = Type.Object(
  {
    type: Type.String({ description: '`urn:lead-unlock:problem:` and a stable code' }),
    title: Type.String(),
    status: Type.Integer(),
    detail: Type.Optional(Type.String()),
    instance: Type.String({ description: 'The path of the request' }),
    request_id: Type.String({ description: 'Also the x-request-id header: quote it when you ask for help' }),
    errors: Type.Optional(
      Type.Array(
        Type.Object({
          line: Type.Optional(Type.Integer({ description: 'Of the file, from 1' })),
          field: Type.String(),
          message: Type.String(),
        }),
      ),
    ),
    checks: Type.Optional(Type.Record(Type.String(), Type.String())),
  },
  { description: 'RFC 9457 problem details' },
)
export type Problem = Static<typeof ProblemSchema>

/** Thrown by handlers to answer with a problem. Its detail is shown to the client. */
export class ProblemError extends Error {
  override readonly name = 'ProblemError'
  readonly code: ProblemCode
  readonly status: number
  readonly errors: readonly FieldError[]
  /** When the same request may succeed; null when waiting does not help, or nobody knows. */
  readonly retryAfterSeconds: number | null

  constructor(
    code: ProblemCode,
    detail?: string,
    errors: readonly FieldError[] = [],
    retryAfterSeconds: number | null = null,
  ) {
    super(detail ?? PROBLEMS[code][1])
    this.code = code
    this.status = PROBLEMS[code][0]
    this.errors = errors
    this.retryAfterSeconds = retryAfterSeconds
  }
}

const MAX_INSTANCE = 256

/** The body that answers an error (RFC 9457). */
export function problemOf(error: ProblemError, url: string, requestId: string): Problem {
  const [status, title] = PROBLEMS[error.code]
  return {
    type: `urn:lead-unlock:problem:${error.code}`,
    title,
    status,
    ...(error.message === title ? {} : { detail: error.message }),
    // The query is left out: it may hold the webhook token.
    instance: (url.split('?', 1)[0] ?? '/').slice(0, MAX_INSTANCE),
    request_id: requestId,
    ...(error.errors.length === 0 ? {} : { errors: [...error.errors] }),
  }
}

/** Declares the problems a route can answer, for its `response` schema. */
export function problemResponses<S extends number>(...statuses: S[]): Record<S, typeof ProblemResponse> {
  return Object.fromEntries(statuses.map((status) => [status, ProblemResponse])) as Record<S, typeof ProblemResponse>
}

const ProblemResponse = {
  description: 'RFC 9457 problem details',
  content: { [PROBLEM_CONTENT_TYPE]: { schema: ProblemSchema } },
}

/** Nothing has this id. */
export function notFound(what: string): ProblemError {
  return new ProblemError('not-found', `No such ${what}`)
}

/** A value that does not have the documented shape. */
export function malformed(...errors: FieldError[]): ProblemError {
  return new ProblemError('invalid-request', undefined, errors)
}

/** A well-formed value that cannot be accepted. */
export function unacceptable(...errors: FieldError[]): ProblemError {
  return new ProblemError('unacceptable', undefined, errors)
}
