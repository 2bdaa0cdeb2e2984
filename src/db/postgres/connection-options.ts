import { readFileSync } from 'node:fs'
import { type ConnectionOptions, checkServerIdentity } from 'node:tls'
import type { Pool, PoolConfig } from 'pg'
import type { DatabaseAddress, DatabaseTls } from '../../database-url.ts'
import { wrapQueries } from './connection-query.ts'

/** Longest wait for a row lock and for a statement, milliseconds: nothing here is slow unless something is wrong. */
const LIMITS = { statement_timeout: 30_000, lock_timeout: 15_000, idle_in_transaction_session_timeout: 30_000 }

const LIMITS_OF_TRANSACTION = Object.entries(LIMITS).map(([name, value]) => `set local ${name} = ${value}`)

/**
 * What the driver is told about each connection. Through a pooler it is told no limits: PgBouncer refuses a connection
 * that brings settings, and a session is not ours for longer than a transaction. See `limitTransactions`.
 *
 * @throws when a certificate file cannot be read
 */
export function connectionOptions(address: DatabaseAddress): PoolConfig {
  return {
    connectionString: address.url,
    ...(address.tls === null
      ? {}
      : { ssl: sslOptions(address.tls, address.host), sslnegotiation: address.tls.negotiation }),
    ...(address.throughPooler ? {} : LIMITS),
    connectionTimeoutMillis: 10_000,
    keepAlive: true,
  }
}

function sslOptions(tls: DatabaseTls, host: string): ConnectionOptions {
  return {
    rejectUnauthorized: tls.check !== 'nothing',
    // The driver passes on the names of hosts, but not their addresses: those would be taken for `localhost`.
    checkServerIdentity: (_, certificate) =>
      tls.check === 'chain-and-name' ? checkServerIdentity(host, certificate) : undefined,
    ...(tls.rootCertificate === null ? {} : { ca: readFileSync(tls.rootCertificate, 'utf8') }),
    ...(tls.certificate === null ? {} : { cert: readFileSync(tls.certificate, 'utf8') }),
    ...(tls.key === null ? {} : { key: readFileSync(tls.key, 'utf8') }),
  }
}

/**
 * Sets the limits in the message that begins each transaction, so that it costs no round trip. A statement outside of a
 * transaction has none then: what it may wait for is a transaction, which does.
 *
 * @param pool as `wrapQueries` takes it
 */
export function limitTransactions(pool: Pool): void {
  wrapQueries(
    pool,
    (query) =>
      (sql, ...rest) =>
        query(isBegin(sql) ? [sql, ...LIMITS_OF_TRANSACTION].join('; ') : sql, ...rest),
  )
}

/** Whether this statement begins a transaction. */
export function isBegin(sql: unknown): boolean {
  return typeof sql === 'string' && /^(?:begin|start transaction)\b/.test(sql)
}
