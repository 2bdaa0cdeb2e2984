/**
 * Words TextMagic says it acts on by itself. Whether it also does so in a text like "STOP." it does not say. It is taken not to:
 * at worst it is told of an opt-out that it knows of.
 */
const GATEWAY_STOP_WORDS = new Set(['stop', 'stopp', 'stopall', 'unsubscribe', 'end', 'quit', 'cancel'])

/** True when the SMS gateway has blocked the number by itself; otherwise it must be told. */
export function gatewayActsOnStop(text: string): boolean {
  return GATEWAY_STOP_WORDS.has(text.trim().toLowerCase())
}
