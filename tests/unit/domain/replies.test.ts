import { describe, expect, test } from 'vitest'
import { classifyReply } from '../../../src/domain/replies.ts'

const ID = 'lead_abc12345'

const YES_ALONE = [
  ...['Y', 'y', 'yes', 'YES', 'Yes', 'yEs', ' y ', '\tyes\r\n', 'Y.', 'Yes!', 'yes!!!', '(Y)', '*Y*', "'Y'", '"Y"'],
  ...['“Y”', '‘yes’', '«Y»', '...y...', 'Y,', 'y?', 'Y -', 'y yes', 'Y Y', 'yes, yes!', 'y/y', 'Y\nY'],
  ...['YES 👍', 'Y👍🏽', 'yes 👩‍👩‍👧', 'Y ❤️', 'Y ✅✔️', 'yes 🇺🇸', 'Y 🏴󠁧󠁢󠁥󠁮󠁧󠁿', '👍 Y', 'Y ™️', 'Y Ⓜ️', 'Y :)', 'Y 🅿️'],
  ...['Y 1️⃣', 'Y1️⃣', '#️⃣ yes', 'Y *\u20E3', 'Y 1️⃣2️⃣'],
  ...['\u00A0Y\u00A0', 'Y\u200B', '\uFEFFY', 'y\u200Des', '\u202EY\u202C', 'Y\u2028', '\u2003yes\u3000', 'ye\u00ADs'],
  ...['Ｙ', 'ｙｅｓ', 'Ｙ！', '＂Ｙ＂', '𝐘𝐄𝐒', 'Y \uD83D', 'Y\u0000'],
]

const NO_ALONE = ['N', 'n', 'no', 'NO', 'No.', 'no!', ' N ', 'n no', 'No, no', 'Ｎ', 'no 👎🏿', '"N"', 'N\u200B']

const OTHER = [
  ...['', ' ', '👍', '👍🏽', '🇾', '.', '"', 'ok', 'OK', 'sure', 'yep', 'yeah', 'si', 'yes please', 'yes thanks'],
  ...[
    'Y please',
    'no thanks',
    'nope',
    'not yet',
    'y n',
    'Y/N',
    'yes no',
    'no, yes',
    'Y or N?',
    "y'all",
    'N/A',
    'y e s',
  ],
  ...[
    'Reply Y',
    'Y2',
    'Y 1',
    '1',
    'yess',
    'yy',
    'y̶',
    'ỳ',
    'ñ',
    'У',
    'Nº',
    '№',
    'Yes.No',
    'I would say yes',
    'who is this?',
  ],
  ...[
    'please stop',
    'stop it',
    'stop texting me',
    'do not stop',
    'cancel my appointment',
    'help me',
    'no stop',
    'y stop',
  ],
  ...[
    'start over',
    'info please',
    'the end',
    'Liked',
    'Liked it',
    'Loved working with you',
    'Y lead_',
    'lead abc12345',
  ],
  ...[
    'Y\nSent from my iPhone',
    'xlead_abc12345',
    'y plead_abc12345',
    'lead_abc12345_x',
    'Y leadabc1234',
    'Y lead abc12345 please',
    'is lead abc12345 still free?',
    'Y lead massages',
    'Y lead abc12345 and lead abc12346',
    'Y lead abc12345, lead abc12346',
    'Y mislead abc12345',
    'on 10/12 to "you"',
  ],
]

describe('a reply without a lead', () => {
  test.each(YES_ALONE)('says yes: %j', (text) => {
    expect(classifyReply(text)).toEqual({ kind: 'yes', leadId: null })
  })

  test.each(NO_ALONE)('says no: %j', (text) => {
    expect(classifyReply(text)).toEqual({ kind: 'no', leadId: null })
  })

  test.each(OTHER)('is not taken for an answer: %j', (text) => {
    expect(classifyReply(text)).toEqual({ kind: 'other' })
  })
})

describe('a reply that names a lead', () => {
  test.each([
    ...[
      'Y lead_abc12345',
      'lead_abc12345 yes',
      'Y lead_ABC12345',
      'Lead_Abc12345 Y',
      'yes, lead_abc12345!',
      'Y.lead_abc12345',
    ],
    ...[
      'Y (lead_abc12345)',
      'Y Lead lead_abc12345.',
      'Y\nlead_abc12345',
      'Y lead abc12345',
      'Yes, Lead lead-ABC12345!',
      'leadabc12345 Y',
      'lead #abc12345: y',
      'Y lead_abc12345 👍🏽',
      'y lead_abc12345 yes',
    ],
    ...['Y lead _abc12345', 'Y lead_ abc12345', 'Y: "lead_abc12345"', 'Ｙ ｌｅａｄ＿abc12345', 'Y lead_\u200Babc12345'],
    ...['Y lead_abc12345 lead_ABC12345', 'Y #lead_abc12345', 'Y Lead: lead_abc12345', 'Y Lead #lead_abc12345'],
  ])('says yes to it: %j', (text) => {
    expect(classifyReply(text)).toEqual({ kind: 'yes', leadId: ID })
  })

  test.each(['N lead_abc12345', 'lead_abc12345 no', 'NO Lead lead_ABC12345.'])('says no to it: %j', (text) => {
    expect(classifyReply(text)).toEqual({ kind: 'no', leadId: ID })
  })

  test.each([
    ...[
      'lead_abc12345',
      'lead_abc12345?',
      'yes please lead_abc12345',
      'is lead_abc12345 still open',
      'Y N lead_abc12345',
    ],
    ...['stop lead_abc12345', 'help lead_abc12345', '👍 lead_abc12345', 'Yes lead_abc12345 20$', 'ok lead_abc12345'],
  ])('says neither yes nor no: %j', (text) => {
    expect(classifyReply(text)).toEqual({ kind: 'names_lead', leadId: ID })
  })

  test.each(['Y lead_abc12345 lead_xyz98765', 'N lead_abc12345, lead_xyz98765', 'lead_abc12345 lead_xyz98765'])(
    'that names two leads answers neither: %j',
    (text) => {
      expect(classifyReply(text)).toEqual({ kind: 'names_lead', leadId: ID })
    },
  )

  test.each([
    ['Y lead_abc1234', 'lead_abc1234'],
    ['Y lead_abc123456', 'lead_abc123456'],
  ])('with a mistyped id is an answer to that id, never to the last offer: %j', (text, leadId) => {
    expect(classifyReply(text)).toEqual({ kind: 'yes', leadId })
  })
})

describe('a keyword', () => {
  test.each([
    ...['stop', 'STOP', 'Stop.', ' stop! ', '"STOP"', 'stop 🛑', 'STOP STOP STOP', 'stopp', 'stopall', 'STOP ALL'],
    ...['unsubscribe', 'Cancel', 'END', 'quit', 'revoke', 'opt out', 'OPT-OUT', 'optout', 'Opt\u00A0out', 'ＳＴＯＰ'],
  ])('unsubscribes: %j', (text) => {
    expect(classifyReply(text)).toEqual({ kind: 'stop' })
  })

  test.each(['start', 'START', 'Unstop', 'join', 'subscribe', 'RESUBSCRIBE', 'optin', 'opt in', 'start!'])(
    'subscribes again: %j',
    (text) => {
      expect(classifyReply(text)).toEqual({ kind: 'start' })
    },
  )

  test.each(['help', 'HELP!', 'Help?', 'info', 'Info.'])('asks for help: %j', (text) => {
    expect(classifyReply(text)).toEqual({ kind: 'help' })
  })
})
