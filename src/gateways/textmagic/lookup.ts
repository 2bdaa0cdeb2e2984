import { readJson } from '../answers.ts'
import { errorOfReadStatus } from '../classify.ts'
import { UnclearError } from '../errors.ts'
import { messagePageSchema, type Page, sessionPageSchema } from './answers.ts'
import type { TextMagicApi } from './api.ts'
import { digitsOf } from './phones.ts'
import { latestInstant } from './times.ts'

const OPERATION = 'textmagic find'
const PAGE_SIZE = 100
/** Ten thousand sends since the one looked for; more would spend minutes of the send limit on one question. */
const MAX_PAGES = 100
/** Our clock and the gateway's may differ, and a session may start before its time was noted here. */
const CLOCK_MARGIN_MS = 5 * 60 * 1000
/** More than any mistake about time zones: what is so much older than the message was sent for another. */
const LONG_AGO_MS = 24 * 60 * 60 * 1000

export type LookUp = {
  reference: number
  /** Receiver, E.164. */
  phone: string
  /** When the message was first tried. */
  since: Date
}

const readSessions = (text: string) => readJson(OPERATION, sessionPageSchema, text)
const readMessages = (text: string) => readJson(OPERATION, messagePageSchema, text)

type Found = { gatewayId: string }

/** Looks a message up by our reference and its receiver; see `TextMagic.findByReference`. */
export async function findByReference(api: TextMagicApi, lookUp: LookUp): Promise<Found | null> {
  const reference = String(lookUp.reference)
  const horizon = lookUp.since.getTime() - CLOCK_MARGIN_MS
  for await (const sessions of pages(api, '/sessions', readSessions)) {
    const instants = sessions.map((session) => latestInstant(session.startTime))
    for (const [index, session] of sessions.entries()) {
      // Of an earlier database on the same account, whose references began at one as well.
      const isOfLongAgo = (instants[index] ?? horizon) < horizon - LONG_AGO_MS
      if (isOfLongAgo || String(session.referenceId ?? '') !== reference) continue
      const found = await findInSession(api, String(session.id), lookUp)
      if (found !== null) return found
    }
    // Newest first, but one session with an odd time must not end the search: "absent" is leave to send again.
    const known = instants.filter((instant) => instant !== null)
    if (known.length > 0 && Math.max(...known) < horizon) return null
  }
  return null
}

/**
 * The message to this receiver among those of a session that carries our reference. Another environment on the same
 * account counts its references from one as well, so the reference alone proves nothing.
 */
async function findInSession(api: TextMagicApi, sessionId: string, lookUp: LookUp): Promise<Found | null> {
  const receiver = digitsOf(lookUp.phone)
  const path = `/sessions/${encodeURIComponent(sessionId)}/messages`
  let seen = 0
  for await (const messages of pages(api, path, readMessages)) {
    seen += messages.length
    // A list that does not tell a receiver tells of no other either, and "absent" would be leave to send again.
    const message = messages.find((one) => one.receiver == null || digitsOf(one.receiver) === receiver)
    if (message !== undefined) return { gatewayId: String(message.id) }
  }
  // A session not filled yet, perhaps ours: "absent" would be taken as leave to send again.
  if (seen === 0) throw new UnclearError('session_without_messages', { operation: OPERATION })
  return null
}

/**
 * Ends with the last page; where the gateway does not say which that is, with one that is empty, or not full and without
 * news. A full one without news may be an earlier page, which as many newer items have moved here since.
 */
async function* pages<Item extends { id: number | string }>(
  api: TextMagicApi,
  path: string,
  read: (text: string) => Page<Item>,
): AsyncGenerator<Item[]> {
  const seen = new Set<string>()
  for (let page = 1; page <= MAX_PAGES; page += 1) {
    const query = { page: String(page), limit: String(PAGE_SIZE) }
    const { status, text } = await api.call({ operation: OPERATION, method: 'GET', path, query, slot: 'notice' })
    if (status !== 200) throw errorOfReadStatus(OPERATION, status)
    const { resources, pageCount } = read(text)
    const isNews = resources.some(({ id }) => !seen.has(String(id)))
    const isRepeated = !isNews && resources.length < PAGE_SIZE && typeof pageCount !== 'number'
    if (resources.length === 0 || isRepeated) return
    for (const { id } of resources) seen.add(String(id))
    yield resources
    if (typeof pageCount === 'number' && page >= pageCount) return
  }
  throw new UnclearError('not_looked_far_enough', { operation: OPERATION })
}
