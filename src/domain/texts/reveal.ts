import { cleanText } from '../clean-text.ts'
import { fitsOneMessage } from '../sms-encoding.ts'
import { greet } from './greeting.ts'

/** What was paid for. The one text that holds locked fields: only for an unlock that is PAID or later. */
export type RevealFields = {
  brand: string
  providerName: string
  clientName: string
  clientPhone: string
  clientEmail?: string | null
  exactAddress?: string | null
  notesSnippet?: string | null
}

const CUT = '...'

/**
 * The client's details. A line whose field is empty is left out.
 *
 * The gateway refuses a text of more than six parts, and who has paid must get what they paid for: where the whole
 * text would be too long, first the notes are shortened, then the notes, the greeting and the closing lines go. The
 * client's name, phone, email and address are never cut; `revealFits` tells whether they go into one message.
 */
export function revealText(fields: RevealFields): string {
  const notes = cleanText(fields.notesSnippet)
  const full = compose(fields, notes)
  if (fitsOneMessage(full)) return full
  const shortened = shorten(notes, (candidate) => fitsOneMessage(compose(fields, candidate)))
  return shortened === null ? details(fields, '').join('\n') : compose(fields, shortened)
}

/** Whether the details go into one message, whatever the notes and the names around them: to be asked when a lead is posted. */
export function revealFits(fields: Omit<RevealFields, 'brand' | 'providerName' | 'notesSnippet'>): boolean {
  return fitsOneMessage(details(fields, '').join('\n'))
}

function compose(fields: RevealFields, notes: string): string {
  return [
    greet(fields.providerName, 'here are the client details:'),
    '',
    ...details(fields, notes),
    '',
    `${cleanText(fields.brand)} provides advertising access to client inquiries. ` +
      'We do not arrange or guarantee appointments.',
  ].join('\n')
}

function details(fields: Omit<RevealFields, 'brand' | 'providerName'>, notes: string): string[] {
  return [
    line('Name', fields.clientName),
    line('Phone', fields.clientPhone),
    line('Email', fields.clientEmail),
    line('Address', fields.exactAddress),
    line('Notes', notes),
  ].filter((part) => part !== '')
}

function line(label: string, value: string | null | undefined): string {
  const cleaned = cleanText(value)
  return cleaned ? `${label}: ${cleaned}` : ''
}

/** The longest beginning of a value that fits, possibly nothing of it; null when not even that does. */
function shorten(value: string, fits: (candidate: string) => boolean): string | null {
  if (!fits('')) return null
  const characters = [...value]
  const cut = (length: number) => (length === 0 ? '' : `${characters.slice(0, length).join('').trimEnd()}${CUT}`)
  let longest = 0
  let tooLong = characters.length
  while (tooLong - longest > 1) {
    const middle = Math.floor((longest + tooLong) / 2)
    if (fits(cut(middle))) longest = middle
    else tooLong = middle
  }
  return cut(longest)
}
