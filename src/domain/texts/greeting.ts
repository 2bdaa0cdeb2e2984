import { cleanText } from '../clean-text.ts'

/** Addresses a provider by name: `Amy, new client…`; without a name the sentence starts by itself. */
export function greet(name: string | null | undefined, sentence: string): string {
  const cleaned = cleanText(name)
  return cleaned ? `${cleaned}, ${sentence}` : sentence.charAt(0).toUpperCase() + sentence.slice(1)
}
