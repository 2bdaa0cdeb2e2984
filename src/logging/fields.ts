import { maskText } from './mask.ts'

/**
 * Names of things, of ours and of the gateways. They may hold long numbers (a job id ends in a timestamp), so they are
 * not searched for phone numbers, but they must look like ids.
 */
const IDS = words(`
  request_id job_id unlock_id lead_id provider_id inbox_id message_id payment_id payment_link_id escalation_id
  event_id external_id gateway_id refund_id session_id key_id migration
`)

/** Everything else that may stand in a log line: words with few values, numbers, and masked text; or lists of them. */
const FIELDS = words(`
  level time pid hostname process msg
  operation job queue queues gateway purpose source method path url status from_status to_status reason outcome
  event_type error_code signal mode version state role
  count total attempt attempts last port concurrency ms duration_ms delay_ms lag_ms age_seconds status_code responseTime
`)

/** The fields that hold an object, made by the serializers of the log, and what may stand in it. */
const OBJECTS: ReadonlyMap<string, ReadonlySet<string>> = new Map([
  ['req', words('method path')],
  ['res', words('statusCode')],
  [
    'err',
    words(
      'type code message stack cause errors syscall severity constraint table column routine param requestId statusCode',
    ),
  ],
])

const ID_SHAPE = /^[\w:.-]{1,128}$/
const PHONE_SHAPE = /^\d{10,15}$/
const UNLISTED = '[not listed]'
const MASKED_ID = '[masked]'

/**
 * A log line's fields with only what is listed above: a field that nobody has thought about is shown by its name alone.
 * To log something new, list its name here, and think what may be in it.
 * @param line parsed JSON.
 */
export function listedFields(line: Record<string, unknown>): Record<string, unknown> {
  return mapFields(line, (name, value) => {
    const inner = OBJECTS.get(name)
    if (inner !== undefined) return objectValue(value, inner)
    if (IDS.has(name)) return idValue(value)
    return FIELDS.has(name) ? fieldValue(value) : UNLISTED
  })
}

function objectValue(value: unknown, names: ReadonlySet<string>): unknown {
  if (Array.isArray(value)) return value.map((part) => objectValue(part, names))
  if (typeof value !== 'object' || value === null) return fieldValue(value)
  return mapFields({ ...value }, (name, part) => (names.has(name) ? objectValue(part, names) : UNLISTED))
}

function idValue(value: unknown): unknown {
  if (typeof value === 'number' || value === null) return value
  return typeof value === 'string' && ID_SHAPE.test(value) && !PHONE_SHAPE.test(value) ? value : MASKED_ID
}

function fieldValue(value: unknown): unknown {
  if (typeof value === 'string') return maskText(value)
  if (Array.isArray(value)) return value.map(fieldValue)
  return typeof value === 'object' && value !== null ? UNLISTED : value
}

function mapFields(fields: Record<string, unknown>, map: (name: string, value: unknown) => unknown) {
  return Object.fromEntries(Object.entries(fields).map(([name, value]) => [name, map(name, value)]))
}

function words(list: string): ReadonlySet<string> {
  return new Set(list.trim().split(/\s+/))
}
