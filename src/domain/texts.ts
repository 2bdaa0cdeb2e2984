/**
 * Every SMS we send, as functions from plain values to the text. The wording of the offer is part of the product's
 * contract with providers: changing a word here changes what people are told before they pay.
 *
 * Values from outside pass through `cleanText`, and are put in place once: a name such as `{url}` stays that name.
 * Our own words are GSM-7, so that only a value can make a text UCS-2.
 */
export * from './texts/answers.ts'
export * from './texts/offer.ts'
export * from './texts/reveal.ts'
export * from './texts/subscription.ts'
