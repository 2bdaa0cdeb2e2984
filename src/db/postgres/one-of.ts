/** Words of ours as the right side of an `in`: `('pending', 'sending')`. Nothing from outside: what they hold is not escaped. */
export function oneOf(words: readonly string[]): string {
  return `(${words.map((word) => `'${word}'`).join(', ')})`
}
