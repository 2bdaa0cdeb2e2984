// The words TextMagic acts on by itself. REVOKE and OPT OUT are not among them: a client must unsubscribe those people.
const stopWords = new Set(['STOP', 'STOPP', 'STOPALL', 'UNSUBSCRIBE', 'END', 'QUIT', 'CANCEL'])
const startWords = new Set(['UNSTOP', 'JOIN', 'SUBSCRIBE', 'RESUBSCRIBE', 'OPTIN'])

/** What TextMagic does by itself on receiving `text`; null for anything but a known word standing alone. */
export function keywordOf(text: string): 'stop' | 'start' | null {
  const word = text.trim().toUpperCase()
  if (stopWords.has(word)) return 'stop'
  return startWords.has(word) ? 'start' : null
}
