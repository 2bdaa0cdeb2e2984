import fc from 'fast-check'
import { expect, test } from 'vitest'
import { fitsOneMessage, smsEncoding } from '../../../src/domain/sms-encoding.ts'
import { revealFits, revealText } from '../../../src/domain/texts.ts'

const FIELDS = {
  brand: 'Gold Touch List',
  providerName: 'Amy',
  clientName: 'Zoë O’Brien',
  clientPhone: '+1234567890',
  clientEmail: 'zoe@example.com',
  exactAddress: '123 Ocean Drive, Miami Beach, FL 33139',
}

test('notes that are too long for one message are shortened; everything else stays', () => {
  const text = revealText({ ...FIELDS, notesSnippet: 'deep tissue '.repeat(100) })
  expect(fitsOneMessage(text)).toBe(true)
  expect(text).toMatch(/\nNotes: deep tissue [^\n]*\.\.\.\n\nGold Touch List provides/)
  expect(text).toContain('Address: 123 Ocean Drive, Miami Beach, FL 33139\n')
})

test('as much of the notes is sent as one message holds', () => {
  const text = revealText({ ...FIELDS, notesSnippet: 'n'.repeat(1000) })
  expect(smsEncoding(text)).toMatchObject({ encoding: 'ucs2', units: 6 * 67 })
})

test('notes are not cut when the message fits', () => {
  const notesSnippet = 'n'.repeat(120)
  expect(revealText({ ...FIELDS, notesSnippet })).toContain(`Notes: ${notesSnippet}\n`)
})

test('notes that leave no room at all are left out', () => {
  const exactAddress = `${'–'.repeat(402 - 270)}`
  const text = revealText({ ...FIELDS, exactAddress, notesSnippet: 'x'.repeat(400) })
  expect(fitsOneMessage(text)).toBe(true)
  expect(text).toContain(exactAddress)
})

test('details that fill a message go without greeting and closing lines, and uncut', () => {
  const exactAddress = '–'.repeat(310)
  const text = revealText({ ...FIELDS, exactAddress, notesSnippet: 'x' })
  expect(text).toBe(`Name: Zoë O’Brien\nPhone: +1234567890\nEmail: zoe@example.com\nAddress: ${exactAddress}`)
  expect(fitsOneMessage(text)).toBe(true)
  expect(revealFits({ ...FIELDS, exactAddress })).toBe(true)
})

test('details that no message can hold are told apart beforehand', () => {
  expect(revealFits({ ...FIELDS, exactAddress: '–'.repeat(400) })).toBe(false)
})

test('whatever the notes and names: details that fit are sent whole in one message', () => {
  const value = fc.string({ unit: fc.constantFrom('a', ' ', 'é', '€', '–', '😀', '\n'), maxLength: 300 })
  const visible = value.filter((text) => text.trim() !== '')
  fc.assert(
    fc.property(visible, value, value, value, (clientName, providerName, exactAddress, notesSnippet) => {
      const fields = { ...FIELDS, clientName, providerName, exactAddress, notesSnippet }
      fc.pre(revealFits(fields))
      const text = revealText(fields)
      expect(fitsOneMessage(text)).toBe(true)
      expect(text).toContain(`Name: ${clientName.replace(/\s+/g, ' ').trim()}\nPhone: +1234567890\n`)
      expect(text).toContain(exactAddress.replace(/\s+/g, ' ').trim())
    }),
  )
})
