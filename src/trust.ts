import tls from 'node:tls'

/**
 * Makes this process believe these certificates too, of stores as of gateways. Node itself heeds NODE_EXTRA_CA_CERTS only
 * where it is in the environment before it starts, not in an `--env-file`, and goes on without a word when the file is
 * missing: the connection then fails for a reason nobody sees.
 *
 * @param certificates in PEM
 */
export function trustCertificates(certificates: readonly string[]): void {
  if (certificates.length === 0) return
  tls.setDefaultCACertificates([...tls.getCACertificates('default'), ...certificates])
}
