import { cleanText } from '../clean-text.ts'

/** The program's name, as providers know it. */
export type Program = { brand: string }

/**
 * The one confirmation after STOP. US rules: it may confirm and say how to come back, nothing else. It names UNSTOP
 * rather than START, because that is the word which also lifts TextMagic's own block.
 */
export function stopConfirmationText({ brand }: Program): string {
  return `${cleanText(brand)}: You are unsubscribed and will get no more messages. Reply UNSTOP to subscribe again.`
}

/** After START or UNSTOP. */
export function startConfirmationText({ brand }: Program): string {
  return (
    `${cleanText(brand)}: You are subscribed to client inquiries again. ` +
    'Msg & data rates may apply. Reply HELP for help, STOP to unsubscribe.'
  )
}

/**
 * The answer to HELP, as US carriers ask for it: program, contact, costs, how to stop. A question texted back reaches support,
 * because every text that is not about a lead is forwarded there.
 */
export function helpText({ brand }: Program): string {
  return (
    `${cleanText(brand)}: client inquiries by SMS. For support, reply with your question. ` +
    'Msg frequency varies. Msg & data rates may apply. Reply STOP to unsubscribe.'
  )
}
