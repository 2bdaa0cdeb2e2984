import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { readGatewayMessage, readInboundSms, readReceipt } from '../../../src/domain/inbound.ts'

const SMS = {
  id: 1782832,
  sender: '447860021130',
  receiver: '13055550199',
  messageTime: '2012-11-28T18:38:28+0000',
  text: 'Y',
}
const RECEIPT = { ...SMS, id: 49576009, sender: '13055550199', receiver: '13055550160', status: 'd', referenceId: '17' }

describe('an inbound text', () => {
  it('is read with numbers in E.164', () => {
    expect(readInboundSms(SMS)).toEqual({
      id: '1782832',
      phone: '+447860021130',
      text: 'Y',
      sentAt: new Date('2012-11-28T18:38:28Z'),
    })
  })

  it('is the same in the form encodings, where everything is text', () => {
    const texts = Object.fromEntries(Object.entries(SMS).map(([name, value]) => [name, String(value)]))
    expect(readInboundSms(texts)).toEqual(readInboundSms(SMS))
  })

  it.each([
    ['2012-11-28T18:38:28+0000', '2012-11-28T18:38:28.000Z'],
    ['2012-11-28T18:38:28+00:00', '2012-11-28T18:38:28.000Z'],
    ['2012-11-28T18:38:28Z', '2012-11-28T18:38:28.000Z'],
    ['2012-11-28T18:38:28.123-0500', '2012-11-28T23:38:28.000Z'],
    ['2012-11-28 18:38:28', '2012-11-28T18:38:28.000Z'],
  ])('sent at %s was sent at %s', (messageTime, iso) => {
    expect(readInboundSms({ ...SMS, messageTime })?.sentAt?.toISOString()).toBe(iso)
  })

  it.each([
    undefined,
    null,
    '',
    'yesterday',
    '2012-13-45T99:99:99+0000',
    '0001-01-01T00:00:00Z',
    '9999-01-01T00:00:00Z',
    {},
  ])('with the time %j is read without one', (messageTime) => {
    expect(readInboundSms({ ...SMS, messageTime })).toMatchObject({ id: '1782832', sentAt: null })
  })

  it('may be empty, and keeps what was written as it is', () => {
    expect(readInboundSms({ ...SMS, text: '' })?.text).toBe('')
    expect(readInboundSms({ ...SMS, text: ' Y\0 ' })?.text).toBe(' Y\0 ')
    expect(readInboundSms({ ...SMS, text: 5 })?.text).toBe('5')
  })

  it.each(['AmazonInc', '72345'])("from %s, which is no phone number, is nobody's", (sender) => {
    expect(readInboundSms({ ...SMS, sender })).toMatchObject({ id: '1782832', phone: null })
  })

  it.each([
    { id: undefined },
    { id: '' },
    { id: -1 },
    { id: 1.5 },
    { id: 2 ** 53 },
    { id: 'a b' },
    { id: 'x'.repeat(65) },
    { id: {} },
    { sender: undefined },
    { sender: ' ' },
    { sender: 'a\0b' },
    { sender: '\ud800' },
    { sender: 'x'.repeat(65) },
    { text: undefined },
    { text: null },
    { text: ['Y'] },
  ])('without what identifies or makes it (%j) is none', (change) => {
    expect(readInboundSms({ ...SMS, ...change })).toBeNull()
  })
})

describe('a delivery receipt', () => {
  it('is read with the reference we gave', () => {
    expect(readReceipt(RECEIPT)).toEqual({
      id: '49576009',
      referenceId: 17,
      status: 'd',
      rejectReason: null,
      receiver: '+13055550160',
    })
  })

  it('says what became of the text in whatever case its letter is', () => {
    expect(readReceipt({ ...RECEIPT, status: ' D ' })?.status).toBe('d')
  })

  it('is read when its id is text with spaces around it', () => {
    expect(readReceipt({ ...RECEIPT, id: ' 7 ' })?.id).toBe('7')
  })

  it.each([
    ['17', 17],
    ['1', 1],
    [17, 17],
    [' 17 ', 17],
    [null, null],
    ['', null],
    ['lead-17', null],
    [0, null],
    [-1, null],
    [2 ** 60, null],
    ['99999999999999999999', null],
  ])('with the reference %j refers to %j', (referenceId, expected) => {
    expect(readReceipt({ ...RECEIPT, referenceId })?.referenceId).toBe(expected)
  })

  it.each([{ id: null }, { status: '' }, { status: null }, { status: 'd; drop' }, { status: 5 }])(
    'without an id or a status (%j) is none',
    (change) => {
      expect(readReceipt({ ...RECEIPT, ...change })).toBeNull()
    },
  )
})

describe('telling them apart', () => {
  it('goes by what is said, not by where it arrived', () => {
    expect(readGatewayMessage(SMS)?.kind).toBe('sms')
    expect(readGatewayMessage(RECEIPT)?.kind).toBe('receipt')
  })

  it('never takes a receipt for a text, not even a broken one', () => {
    for (const change of [{ status: '' }, { status: undefined }, { id: undefined }]) {
      expect(readGatewayMessage({ ...RECEIPT, ...change })).toBeNull()
      expect(readInboundSms({ ...RECEIPT, ...change })).toBeNull()
    }
  })

  it('never fails, whatever the fields are', () => {
    fc.assert(
      fc.property(fc.dictionary(fc.constantFrom(...Object.keys(RECEIPT), 'x'), fc.anything()), (fields) => {
        const message = readGatewayMessage(fields)
        expect(message === null || message.kind === 'sms' || message.kind === 'receipt').toBe(true)
      }),
    )
  })
})
