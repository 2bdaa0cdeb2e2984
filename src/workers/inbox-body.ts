import type { InboxRow } from '../db/entities/index.ts'
import { inboxPlace } from '../db/inbox/store.ts'
import { UnsealError } from '../db/sealing/sealing.ts'
import { type GatewayFields, parseGatewayBody } from '../domain/inbound.ts'
import type { JobDeps } from './deps.ts'
import { FinalError } from './errors.ts'

/**
 * What a gateway sent, byte for byte.
 *
 * @throws {FinalError} when it does not open: only a person can give back a key that is no longer configured
 */
export function openBody(deps: Pick<JobDeps, 'sealer'>, row: InboxRow): Buffer {
  if (row.sealedBody == null) throw new FinalError('body_erased')
  try {
    return deps.sealer.openBytes(row.sealedBody, inboxPlace(row.source, row.externalId))
  } catch (error) {
    if (error instanceof UnsealError) throw new FinalError(error.code)
    throw error
  }
}

/**
 * What a callback of TextMagic says.
 *
 * @param read null for fields that do not say it
 * @param unreadable the code of what is thrown then
 * @throws {FinalError} also when the body does not open
 */
export async function readCallback<T>(
  deps: Pick<JobDeps, 'sealer'>,
  row: InboxRow,
  read: (fields: GatewayFields) => T | null,
  unreadable: string,
): Promise<T> {
  const fields = await parseGatewayBody(row.contentType, openBody(deps, row))
  const said = fields === null ? null : read(fields)
  if (said === null) throw new FinalError(unreadable)
  return said
}
