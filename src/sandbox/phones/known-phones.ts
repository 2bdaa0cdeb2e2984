import type { Phone } from './conversations.ts'

/** A page asks at every text, and several may be open; a new provider is seen with the next refresh all the same. */
const FRESH_MS = 1_000
/** Thousands of providers take many calls to list: they are asked for during a tenth of the time. */
const REST = 10

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
  let answer: Promise<readonly Phone[]> | undefined
  let freshUntil = 0
  const answered = async () => {
    const askedAt = performance.now()
    freshUntil = Number.POSITIVE_INFINITY
    try {
      known = await ask()
    } catch {
      // The page goes on with what it knows, and asks again at its next refresh.
    }
    freshUntil = performance.now() + Math.max(FRESH_MS, REST * (performance.now() - askedAt))
    return known
  }
  return () => {
    if (answer === undefined || performance.now() > freshUntil) answer = answered()
    return answer
  }
}
