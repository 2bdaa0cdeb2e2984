import { inboxPlace } from '../inbox/store.ts'
import { leadPlace } from '../leads/leads.ts'

export type SealedRow = Record<string, string | null> & { id: string }

/** A table that holds sealed values, each at a place of its own. */
export type SealedTable = {
  name: string
  idType: 'text' | 'bigint'
  columns: readonly string[]
  /** Columns that say, with the id, where a value stands. */
  needs: readonly string[]
  place(column: string, row: SealedRow): string
}

/** Every table that holds sealed values. Whoever seals another column adds it here, or its old keys can never be dropped. */
export const SEALED_TABLES: readonly SealedTable[] = [
  {
    name: 'leads',
    idType: 'text',
    columns: ['client_name', 'client_phone', 'client_email', 'exact_address'],
    needs: [],
    place: (column, row) => leadPlace(column, row.id),
  },
  {
    name: 'webhook_inbox',
    idType: 'bigint',
    columns: ['sealed_body'],
    needs: ['source', 'external_id'],
    place: (_column, row) => inboxPlace(row.source ?? '', row.external_id ?? ''),
  },
]
