import { mkdtempSync, readFileSync, rmSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { readCertificates } from '../../src/config/certificates.ts'

const SOUND = readFileSync(new URL('../fixtures/tls/ca.pem', import.meta.url), 'utf8')
const DAMAGED = '-----BEGIN CERTIFICATE-----\nbm90IGEgY2VydGlmaWNhdGU=\n-----END CERTIFICATE-----\n'

function fileOf(text: string): string {
  const dir = mkdtempSync(join(tmpdir(), 'certificates-'))
  onTestFinished(() => rmSync(dir, { recursive: true }))
  const path = join(dir, 'ca.pem')
  writeFileSync(path, text)
  return path
}

test('every certificate of a file is read', () => {
  expect(readCertificates(fileOf(`an authority\n${SOUND}another\n${SOUND}`))).toEqual([SOUND.trim(), SOUND.trim()])
})

test('one that cannot be read is told at the start, wherever it stands among others', () => {
  const path = fileOf(`${SOUND}${DAMAGED}`)
  expect(() => readCertificates(path)).toThrow(new RangeError('the file holds a certificate that cannot be read'))
})
