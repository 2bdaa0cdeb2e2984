/** Words TextMagic acts on by itself; its matching is taken to be no more liberal than the bare word (gateways.md). */
const GATEWAY_STOP_WORDS = new Set(['stop', 'stopp', 'stopall', 'unsubscribe', 'end', 'quit', 'cancel'])

/** True when the SMS gateway has blocked the number by itself; otherwise it must be told. */
export function gatewayActsOnStop(text: string): boolean {
  return GATEWAY_STOP_WORDS.has(text.trim().toLowerCase())
}
