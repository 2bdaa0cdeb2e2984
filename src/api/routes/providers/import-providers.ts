import { Type } from 'typebox'
import {
  findTakenNumbers,
  type ImportCounts,
  NumbersTakenError,
  importProviders as storeProviders,
} from '../../../db/providers/import.ts'
import { actorOf } from '../../auth/caller.ts'
import { STAFF } from '../../auth/roles.ts'
import type { ApiDeps, App } from '../../deps.ts'
import { ProblemError, problemResponses } from '../../problem.ts'
import { MAX_FILE_BYTES, readUpload, takeCsvUploads, type UPLOAD_TYPES } from '../../uploads.ts'
import { wakeUp } from '../../wake-up.ts'
import { COLUMNS, MAX_ROWS, type ProviderFile, readProviderFile } from './import-file.ts'

const Count = Type.Integer({ minimum: 0 })

const FileBody = {
  'text/csv': {
    schema: Type.String({ description: `A header with ${COLUMNS.join(',')} in any order, and a line each` }),
  },
  'multipart/form-data': {
    schema: Type.Object({
      file: Type.String({ format: 'binary', description: 'The same, as the only file of a form' }),
    }),
  },
} satisfies Record<(typeof UPLOAD_TYPES)[number], unknown>

const schema = {
  tags: ['providers'],
  summary: 'Store the providers of a CSV file, all or none',
  description:
    `Up to ${MAX_ROWS} providers and ${MAX_FILE_BYTES / 1024 / 1024} MiB. Each is stored as PUT /api/providers/{id} would, ` +
    'by its id; email and time_zone stay as they are where the file has no such column. Numbers may change hands within ' +
    'the file. A STOP stays in force, with the provider and with the number that said it. With any line wrong nothing is ' +
    'stored, and the 422 names each line, field and fault. Audited.',
  security: [{ apiKey: [] }],
  querystring: Type.Object(
    {
      dry_run: Type.Optional(
        Type.Boolean({ description: 'Check the file and store nothing: what would be done is answered' }),
      ),
    },
    { additionalProperties: false },
  ),
  body: { content: FileBody },
  response: {
    200: Type.Object({ created: Count, updated: Count, unchanged: Count }),
    ...problemResponses(400, 401, 403, 413, 415, 422, 429, 500, 503),
  },
}

/** POST /api/providers/import */
export async function importProviders(app: App, { db, publisher }: ApiDeps): Promise<void> {
  await app.register(async (plain) => {
    const scope: App = plain.withTypeProvider()
    await takeCsvUploads(scope)
    scope.post('/providers/import', { schema, config: STAFF }, async (request): Promise<ImportCounts> => {
      const file = await readUpload(request, readProviderFile)
      if (file.errors.count > 0) throw refused(file, await findTakenNumbers(db.em.fork(), file.rows, file.ids))
      const given = {
        rows: file.rows,
        columns: { email: file.columns.has('email'), timeZone: file.columns.has('time_zone') },
        dryRun: request.query.dry_run ?? false,
        by: actorOf(request),
      }
      try {
        const { counts, due } = await storeProviders(db.em, given)
        await wakeUp(publisher, due, { requestId: request.id })
        return counts
      } catch (error) {
        throw error instanceof NumbersTakenError ? refused(file, error.lines) : error
      }
    })
  })
}

function refused({ errors }: ProviderFile, taken: readonly number[]): ProblemError {
  const message = 'belongs to a provider who is not in this file'
  for (const line of taken) errors.add(line, { field: 'phone', message })
  return new ProblemError('bad-file', `Nothing was stored: ${errors.summary}`, errors.listed)
}
