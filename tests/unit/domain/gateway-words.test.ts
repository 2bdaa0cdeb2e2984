import { describe, expect, test } from 'vitest'
import { gatewayActsOnStop } from '../../../src/domain/gateway-words.ts'
import { classifyReply } from '../../../src/domain/replies.ts'

const GATEWAY_WORDS = ['STOP', 'STOPP', 'STOPALL', 'UNSUBSCRIBE', 'END', 'QUIT', 'CANCEL']

describe.each(GATEWAY_WORDS)('%s', (word) => {
  test.each([
    ['as it is', word],
    ['in lower case', word.toLowerCase()],
    ['capitalized', word[0] + word.slice(1).toLowerCase()],
    ['with space around', `  ${word}\r\n`],
  ])('%s: the gateway blocks the number by itself, and for us it is an opt-out too', (_, text) => {
    expect(gatewayActsOnStop(text)).toBe(true)
    expect(classifyReply(text)).toEqual({ kind: 'stop' })
  })

  test.each([
    ['with punctuation', `${word}.`],
    ['repeated', `${word} ${word}`],
    ['with an emoji', `${word} 🛑`],
    ['in quotation marks', `"${word}"`],
  ])('%s: an opt-out, and the gateway is told, because its own matching is not known to see it', (_, text) => {
    expect(gatewayActsOnStop(text)).toBe(false)
    expect(classifyReply(text)).toEqual({ kind: 'stop' })
  })
})

test.each(['REVOKE', 'revoke', 'OPT OUT', 'opt out', 'optout', 'Stop all'])(
  '%s: an opt-out by US rules that the gateway has to be told of',
  (text) => {
    expect(gatewayActsOnStop(text)).toBe(false)
    expect(classifyReply(text)).toEqual({ kind: 'stop' })
  },
)

test.each(['', ' ', 'start', 'help', 'y', 'n', 'please stop', 'stop it', 'weekend', 'stops'])(
  '%j: the gateway does nothing',
  (text) => expect(gatewayActsOnStop(text)).toBe(false),
)
