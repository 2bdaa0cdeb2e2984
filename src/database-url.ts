/** What one DATABASE_URL says beside where the database is. */
export type DatabaseAddress = {
  /** For the driver: the URL without the parameters that are read here. */
  url: string
  /** Null for a connection that is not encrypted. */
  tls: DatabaseTls | null
  /** Whom a certificate has to name. */
  host: string
  /**
   * Whether a pooler that hands each transaction another session (PgBouncer in transaction mode) is in between: it takes
   * no settings for the session.
   */
  throughPooler: boolean
}

/** Paths are those of PEM files. */
export type DatabaseTls = {
  /** What of the server's certificate is checked: nothing, who signed it, or that and the name in it. */
  check: 'nothing' | 'chain' | 'chain-and-name'
  rootCertificate: string | null
  /** Shown to a server that asks for one. */
  certificate: string | null
  key: string | null
  /** `direct` begins with TLS, without asking the server first (Postgres 17 and newer). */
  negotiation: 'postgres' | 'direct'
}

const SCHEMES = ['postgres:', 'postgresql:']

/**
 * Reads a Postgres URL. `sslmode` means what it says in Postgres' documents, but for `require`, which checks the
 * certificate as `verify-full` does: encryption towards anybody who answers protects nothing. `no-verify` is the one way
 * to go without. `allow` and `prefer` are refused, because they fall back to no encryption at all.
 *
 * @throws RangeError that says what is wrong. Its message holds nothing of the value.
 */
export function parseDatabaseUrl(text: string): DatabaseAddress {
  const url = URL.canParse(text) ? new URL(text) : null
  if (url === null || !SCHEMES.includes(url.protocol)) throw new RangeError('it is not a postgresql:// URL')
  const take = (name: string): string | null => {
    const value = url.searchParams.get(name)
    url.searchParams.delete(name)
    return value
  }
  if (take('uselibpqcompat') !== null) throw new RangeError('uselibpqcompat is not taken: say it with sslmode')
  const mode = sslMode(take('sslmode'), take('ssl'))
  const rootCertificate = take('sslrootcert')
  const [certificate, key] = [take('sslcert'), take('sslkey')]
  const negotiation = oneOf(['postgres', 'direct'], 'sslnegotiation', take)
  const pooler = oneOf(['false', 'true'], 'pgbouncer', take)
  if (mode === 'chain' && rootCertificate === null) {
    throw new RangeError('sslmode=verify-ca needs sslrootcert: any public authority would do otherwise')
  }
  if (mode === null && (rootCertificate !== null || certificate !== null || key !== null || negotiation === 'direct')) {
    throw new RangeError('it names certificates but no sslmode that uses them')
  }
  const tls = mode === null ? null : { check: mode, rootCertificate, certificate, key, negotiation }
  const host = (url.searchParams.get('host') ?? decodeURIComponent(url.hostname)).replace(/^\[(.*)\]$/, '$1')
  return { url: url.href, tls, host, throughPooler: pooler === 'true' }
}

function oneOf<T extends string>(values: readonly [T, T], name: string, take: (name: string) => string | null): T {
  const value = take(name) ?? values[0]
  const known = values.find((candidate) => candidate === value)
  if (known === undefined) throw new RangeError(`${name} is neither ${values.join(' nor ')}`)
  return known
}

function sslMode(sslmode: string | null, ssl: string | null): DatabaseTls['check'] | null {
  switch (sslmode ?? (ssl === null ? 'disable' : (SSL[ssl] ?? ssl))) {
    case 'disable':
      return null
    case 'no-verify':
      return 'nothing'
    case 'verify-ca':
      return 'chain'
    case 'require':
    case 'verify-full':
      return 'chain-and-name'
    case 'allow':
    case 'prefer':
      throw new RangeError('sslmode allow and prefer may end up unencrypted: choose require, verify-full or disable')
    default:
      throw new RangeError('sslmode is none of disable, require, verify-ca, verify-full, no-verify')
  }
}

/** The drivers' short form. */
const SSL: Record<string, string> = { true: 'require', '1': 'require', false: 'disable', '0': 'disable' }
