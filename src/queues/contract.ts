import { type Static, type TObject, type TProperties, Type } from 'typebox'
import { Compile, type Validator } from 'typebox/compile'
import { type BackoffPolicy, PATIENT, PATIENT_ATTEMPTS } from '../domain/backoff.ts'
import type { Due } from '../domain/due.ts'

/** Serial ids are integers from 1; provider ids are text. */
const Id = Type.Integer({ minimum: 1 })

/** Carried into every log line of the job, so that one request can be followed. Never content. */
const requestId = Type.Optional(Type.String({ maxLength: 128 }))

const carrying = <Ids extends TProperties>(ids: Ids) =>
  Type.Object({ ...ids, request_id: requestId }, { additionalProperties: false })

const unlockPayload = carrying({ unlock_id: Id })
const inboxPayload = carrying({ inbox_id: Id })
const nothing = carrying({})

export type JobContract = {
  payload: TObject
  /** Attempts before the job fails for good and a person is called. */
  attempts: number
  backoff: BackoffPolicy
  /** Jobs one worker process runs side by side. Most of them wait for a gateway. */
  concurrency: number
  /** Failed jobs that are kept, the newest; all when absent, because each waits for a person. */
  failedKept?: number
}

const SECOND = 1000
const MINUTE = 60 * SECOND

const patient: Pick<JobContract, 'attempts' | 'backoff'> = { attempts: PATIENT_ATTEMPTS, backoff: PATIENT }
/** Nobody waits for a failed one: only the reason is of use, while it is fresh. */
const FEW_FAILED = 20
/** What comes again by itself, or is concluded without an answer. */
const brief: Pick<JobContract, 'backoff' | 'failedKept'> = {
  backoff: { baseMs: SECOND, maxMs: MINUTE },
  failedKept: FEW_FAILED,
}

/** The job contract: every queue, what its jobs carry, how they are retried. One queue per job, named alike. */
export const jobs = {
  'send-teaser': { payload: unlockPayload, concurrency: 10, ...patient },
  'handle-reply': { payload: inboxPayload, concurrency: 10, ...patient },
  'create-payment-link': { payload: unlockPayload, concurrency: 10, ...patient },
  'close-payment-link': { payload: carrying({ payment_link_id: Id }), concurrency: 5, ...patient },
  /** May have to ask Stripe what became of a charge. */
  'handle-payment': { payload: inboxPayload, concurrency: 10, ...patient },
  reveal: { payload: unlockPayload, concurrency: 20, ...patient },
  /** Delayed to `ttl_expires_at`. */
  expire: { payload: unlockPayload, concurrency: 5, ...patient },
  'forward-message': { payload: inboxPayload, concurrency: 5, ...patient },
  'handle-receipt': { payload: inboxPayload, concurrency: 10, ...patient },
  /** Delayed to `reveal_confirm_at`. A gateway that cannot be asked for half a minute has said nothing. */
  'confirm-delivery': { payload: unlockPayload, concurrency: 5, attempts: 6, ...brief },
  'send-notice': { payload: carrying({ message_id: Id }), concurrency: 10, ...patient },
  'refund-payment': { payload: carrying({ payment_id: Id }), concurrency: 5, ...patient },
  'unsubscribe-number': {
    payload: carrying({ provider_id: Type.String({ minLength: 1, maxLength: 64 }) }),
    concurrency: 2,
    ...patient,
  },
  /** Repeated by the sweep for as long as nobody was told. */
  alert: {
    payload: carrying({ escalation_id: Id }),
    concurrency: 2,
    ...patient,
    failedKept: FEW_FAILED,
  },
  /** Finds what is due in Postgres and wakes it up. */
  sweep: { payload: nothing, concurrency: 1, attempts: 1, ...brief },
  /** Asks the gateways what was missed while nobody listened. */
  backfill: { payload: nothing, concurrency: 1, attempts: 3, ...brief },
  /** Erases what is not needed any more. */
  'erase-contacts': { payload: nothing, concurrency: 1, attempts: 3, ...brief },
} as const satisfies Record<string, JobContract>

export type JobName = keyof typeof jobs
export type Payload<N extends JobName> = Static<(typeof jobs)[N]['payload']>

export const jobNames = Object.keys(jobs) as JobName[]

/** Every kind of due work has a job of that name that takes its fields; the compiler checks it here. */
type PayloadOf<D> = D extends { job: infer N }
  ? N extends JobName
    ? Omit<D, 'job'> extends Payload<N>
      ? true
      : never
    : never
  : never
const everyDueHasAJob: PayloadOf<Due> = true
void everyDueHasAJob

/** A payload that does not keep to the contract; it names the field, never the value. */
export class PayloadError extends Error {
  readonly code = 'bad_payload'
}

/** Compiled once: a payload is checked when it is published and again when it is taken. */
const validators = Object.fromEntries(
  Object.entries(jobs).map(([name, { payload }]: [string, JobContract]) => [name, Compile(payload)]),
) as Record<JobName, Validator>

/**
 * @returns the payload, when it is what the contract says
 * @throws {PayloadError}
 */
export function parsePayload<N extends JobName>(name: N, data: unknown): Payload<N> {
  const validator = validators[name]
  if (validator.Check(data)) return data as Payload<N>
  const [first] = validator.Errors(data)
  throw new PayloadError(`${name}: payload${first?.instancePath ?? ''} ${first?.message ?? 'is not an object'}`)
}
