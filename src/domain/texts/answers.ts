/** Answers to replies about a lead. Each names its lead: a provider may have several offers open. */
export type LeadReference = { leadId: string }

/** Y after the time to live. */
export function leadExpiredText({ leadId }: LeadReference): string {
  return `Lead ${leadId} has expired and can no longer be unlocked.`
}

/** A reply that names a lead which is unknown, somebody else's, or about to be offered: the same words, so as not to tell which. */
export function notOnOfferText({ leadId }: LeadReference): string {
  return `Lead ${leadId} is not on offer to you. Please check the lead number, or reply HELP for help.`
}

/** A reply that names a lead but says neither yes nor no, or names several. */
export function explainReplyText({ leadId }: LeadReference): string {
  return (
    `Reply Y ${leadId} or N ${leadId}. ` +
    'Y unlocks contact details, N skips, one lead per message. STOP alone ends all messages.'
  )
}

/** "N" was understood. */
export function declinedText({ leadId }: LeadReference): string {
  return `You skipped lead ${leadId}. If you change your mind, reply Y ${leadId} before it expires.`
}

/** Y for details that are not kept any more. */
export function detailsErasedText({ leadId }: LeadReference): string {
  return `The details of lead ${leadId} are no longer stored and cannot be sent again. If you need help, reply HELP.`
}

/** Y for details that were already sent again as often as they are. @param times after the first */
export function resendLimitReachedText({ leadId, times }: LeadReference & { times: number }): string {
  return `The details of lead ${leadId} were sent to you again ${times} times already. If you did not get them, reply HELP.`
}
