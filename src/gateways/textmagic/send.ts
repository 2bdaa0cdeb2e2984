import { isE164 } from '../../domain/phone.ts'
import { MAX_SMS_SEGMENTS } from '../../domain/sms-encoding.ts'
import { readJson } from '../answers.ts'
import { errorOfStatus, isSuccess } from '../classify.ts'
import { NotDoneError, RefusedError, UnclearError } from '../errors.ts'
import type { HttpAnswer } from '../http.ts'
import { refusalSchema, sendAnswerSchema } from './answers.ts'
import type { TextMagicApi } from './api.ts'
import { digitsOf } from './phones.ts'

const OPERATION = 'textmagic send'

export type Sms = {
  text: string
  /** Receiver, E.164. */
  phone: string
  /** Our own number for this message, unique in this environment: how it is found again when the answer is lost. */
  reference: number
  /** Leave the choice of the number it comes from to the gateway. */
  withoutSender?: boolean
  /**
   * True once the caller's claim on this message has run out. Asked right before the request is written, because a worker
   * that was paused, or waited long for a connection, may have been taken over by another that sends the same message.
   */
  isPastDeadline?: () => boolean
}

/** The code of what was refused with our sender, and may be taken without it. */
export const SENDER_REFUSED = 'sender_refused'

/** Sends one SMS in a slot that the caller has taken; see `TextMagic.send`. */
export async function sendSms(api: TextMagicApi, from: string, sms: Sms): Promise<{ gatewayId: string }> {
  const body = bodyOf(sms)
  const beforeWriting = () => {
    if (sms.isPastDeadline?.() === true) throw new NotDoneError('deadline_passed', { operation: OPERATION })
  }
  const sender = sms.withoutSender === true ? '' : digitsOf(from)
  const answer = await api.call({
    operation: OPERATION,
    method: 'POST',
    path: '/messages',
    body: sender === '' ? body : { ...body, from: sender },
    slot: 'taken',
    beforeWriting,
  })
  // Some accounts refuse a sender that the destination does not allow, where others replace it; which of the two reasons
  // a 400 has is not told reliably, and a text refused for another reason is refused again.
  if (answer.status === 400 && sender !== '')
    throw new RefusedError(SENDER_REFUSED, { operation: OPERATION, status: 400 })
  return acceptance(answer)
}

function bodyOf({ text, phone, reference }: Sms): Record<string, unknown> {
  if (!isE164(phone)) throw new RefusedError('invalid_phone', { operation: OPERATION })
  if (!Number.isSafeInteger(reference)) throw new RefusedError('invalid_reference', { operation: OPERATION })
  return { text, phones: digitsOf(phone), referenceId: reference, partsCount: MAX_SMS_SEGMENTS, cutExtra: false }
}

function acceptance({ status, text }: HttpAnswer): { gatewayId: string } {
  if (!isSuccess(status)) throw errorOfStatus(OPERATION, status, status === 400 ? refusedFields(text) : undefined)
  const { id, type, messageId } = readJson(OPERATION, sendAnswerSchema, text)
  if (messageId !== undefined && messageId !== null) return { gatewayId: String(messageId) }
  // Accepted, but the id is that of a session: the message has to be looked up by its reference.
  if (type !== undefined && type !== 'message') throw new UnclearError('unreadable_answer', { operation: OPERATION })
  return { gatewayId: String(id) }
}

/** Names of the refused fields: the messages beside them may quote the number or the text. */
function refusedFields(text: string): string | undefined {
  try {
    const { errors } = readJson(OPERATION, refusalSchema, text)
    const names = Object.keys(errors.fields).filter((name) => /^[A-Za-z]{1,30}$/.test(name))
    return names.length === 0 ? undefined : names.join(' ')
  } catch (error) {
    if (error instanceof UnclearError) return undefined
    throw error
  }
}
