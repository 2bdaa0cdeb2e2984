import { X509Certificate } from 'node:crypto'
import { readFileSync } from 'node:fs'

const CERTIFICATE = /-----BEGIN CERTIFICATE-----[^-]+-----END CERTIFICATE-----/g

/**
 * Reads the certificates of a PEM file.
 * @returns at least one, as text
 * @throws RangeError when the file cannot be read or holds none
 */
export function readCertificates(path: string): string[] {
  const certificates = contentOf(path).match(CERTIFICATE) ?? []
  if (certificates.length === 0) throw new RangeError('the file holds no certificate')
  for (const certificate of certificates) requireCertificate(certificate)
  return certificates
}

function contentOf(path: string): string {
  try {
    return readFileSync(path, 'utf8')
  } catch (error) {
    throw new RangeError('the file cannot be read', { cause: error })
  }
}

function requireCertificate(pem: string): void {
  try {
    new X509Certificate(pem)
  } catch (error) {
    throw new RangeError('the file holds a certificate that cannot be read', { cause: error })
  }
}
