import type { Phone } from './conversations.ts'

/** A page asks at every text, and several may be open; a new provider is seen with the next refresh all the same. */
const FRESH_MS = 1_000

/**
 * Whose phones there are, asked of the provider database now and then. While it does not answer, as when the API
 * starts or stops, they are those of the last answer: texts have a name all the time.
 * @param first until the first answer
 */
export function knownPhones(
  ask: () => Promise<readonly Phone[]>,
  first: readonly Phone[],
): () => Promise<readonly Phone[]> {
  let known = first
  let asked: { at: number; answer: Promise<readonly Phone[]> } | undefined
  const answered = async () => {
    try {
      known = await ask()
    } catch {
      // The page goes on with what it knows, and asks again at its next refresh.
    }
    return known
  }
  return () => {
    const now = performance.now()
    if (asked === undefined || now - asked.at > FRESH_MS) asked = { at: now, answer: answered() }
    return asked.answer
  }
}
