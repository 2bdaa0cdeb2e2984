import type { AcceptedSend } from './account.ts'
import type { Settings } from './settings.ts'
import { measure } from './sms-parts.ts'

export type FieldErrors = Record<string, string[]>

export type SendCheck = { send: AcceptedSend } | { errors: FieldErrors }

/** Reads the body of a send, JSON or form, as TextMagic does: the send to accept, or what is wrong with each field. */
export function checkSend(body: unknown, settings: Settings): SendCheck {
  const fields = new Map(Object.entries(typeof body === 'object' && body !== null ? body : {}))
  const errors: FieldErrors = {}
  const phones = checkPhones(fields.get('phones'), errors)
  const text = checkText(fields.get('text'), errors)
  const partsCount = checkPartsCount(fields.get('partsCount'), errors)
  const referenceId = checkReference(fields.get('referenceId'), errors)
  const from = checkSender(fields.get('from'), settings, errors)
  const cutExtra = ['true', '1'].includes(String(fields.get('cutExtra')))
  const { parts } = measure(text)
  if (!cutExtra && errors.partsCount === undefined && parts > partsCount) {
    errors.text = [`The text takes ${parts} message parts; at most ${partsCount} are allowed.`]
  }
  return Object.keys(errors).length > 0 ? { errors } : { send: { phones, text, from, referenceId, partsCount } }
}

function checkPhones(value: unknown, errors: FieldErrors): readonly string[] {
  const phones = typeof value === 'string' ? value.split(',').map((phone) => phone.trim()) : []
  const bad = phones.filter((phone) => !/^[1-9]\d{6,14}$/.test(phone))
  if (phones.length === 0 || value === '') errors.phones = ['Please provide at least one recipient.']
  else if (bad.length > 0) errors.phones = bad.map((phone) => `Invalid phone number: ${phone}`)
  return phones
}

function checkText(value: unknown, errors: FieldErrors): string {
  if (typeof value === 'string' && value.trim() !== '') return value
  errors.text = ['This value should not be blank.']
  return ''
}

function checkPartsCount(value: unknown, errors: FieldErrors): number {
  const count = value === undefined ? 6 : Number(value)
  if (!Number.isInteger(count) || count < 1 || count > 6) errors.partsCount = ['This value should be between 1 and 6.']
  return count
}

function checkReference(value: unknown, errors: FieldErrors): string | null {
  if (value === undefined || value === null || value === '') return null
  const reference = typeof value === 'number' || typeof value === 'string' ? String(value) : ''
  if (!/^\d{1,18}$/.test(reference)) errors.referenceId = ['This value should be of type integer.']
  return reference
}

function checkSender(value: unknown, settings: Settings, errors: FieldErrors): string {
  if (value === undefined || value === null || value === '') return settings.defaultSender
  const sender = String(value)
  const wellFormed = /^(\d{5,15}|[A-Za-z0-9 ]{1,11})$/.test(sender)
  const allowed = wellFormed && (settings.allowedSenders?.includes(sender) ?? !settings.rejectFrom)
  if (allowed) return sender
  if (settings.rejectFrom) errors.from = [`Sender ID is not allowed: ${sender}`]
  return settings.defaultSender
}
