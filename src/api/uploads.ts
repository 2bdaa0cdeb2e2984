import { finished, Readable } from 'node:stream'
import multipart from '@fastify/multipart'
import type { FastifyRequest } from 'fastify'
import type { App } from './deps.ts'
import { ProblemError, unacceptable } from './problem.ts'
import { validatorCompiler } from './validation.ts'

/** Largest file, bytes: 8 MiB. */
export const MAX_FILE_BYTES = 8 * 1024 * 1024

/** Media types an upload may come as, for the documentation. */
export const UPLOAD_TYPES = ['text/csv', 'multipart/form-data'] as const

/** What else a form may hold. It is read and kept until the file comes; nobody asks for it. */
const FIELDS = { fields: 10, fieldSize: 1024 }

/** Takes CSV files in this scope and no other bodies: as the body itself, or as the file of a form. None is buffered. */
export async function takeCsvUploads(scope: App): Promise<void> {
  scope.removeAllContentTypeParsers()
  scope.addContentTypeParser('text/csv', (_request, payload, done) => done(null, payload))
  // One byte more than a file may have: that it is too large is found where every upload is counted.
  const file = { files: 1, fileSize: MAX_FILE_BYTES + 1 }
  await scope.register(multipart, { limits: { ...file, ...FIELDS }, throwFileSizeLimit: false })
  // A stream is documented as what it holds, and checked while it is read.
  scope.setValidatorCompiler((route) =>
    route.httpPart === 'body' ? (value) => ({ value }) : validatorCompiler({ ...route, schema: Object(route.schema) }),
  )
}

/**
 * Reads the file of a request in a scope that takes uploads.
 *
 * @param read gets the file's bytes as they come, and may stop before their end
 * @throws {ProblemError} no file, more than one, too large, or cut off on its way
 */
export async function readUpload<T>(
  request: FastifyRequest,
  read: (chunks: AsyncIterable<Buffer>) => Promise<T>,
): Promise<T> {
  const { file, confirmAlone } = await uploadOf(request)
  file.on('error', (error) => request.log.info({ err: error, operation: 'upload' }, 'broke off'))
  const taken = { bytes: 0 }
  try {
    return await read(limited(file, taken, confirmAlone))
  } finally {
    await takeRest(file, taken)
  }
}

/**
 * Whoever still sends reads the answer only when they are done, and never where the connection is closed with it: what is
 * left is taken before, unless it is more than a file may hold.
 */
function takeRest(file: Readable, taken: { bytes: number }): Promise<void> {
  return new Promise((resolve) => {
    if (taken.bytes > MAX_FILE_BYTES) resolve()
    finished(file, () => resolve())
    // Not `resume()`, which does nothing for as long as a read that was begun goes on.
    file.on('data', (chunk: Buffer) => {
      taken.bytes += chunk.length
      if (taken.bytes > MAX_FILE_BYTES) resolve()
    })
  })
}

/** A file on its way, and what to ask at its end: throws when another one follows, of which nobody would hear. */
type Upload = { file: Readable; confirmAlone(): Promise<void> }

async function uploadOf(request: FastifyRequest): Promise<Upload> {
  if (request.isMultipart()) {
    const files = request.files()
    const { value: part } = await nextFile(request, files)
    if (part === undefined) throw unacceptable({ field: 'file', message: 'is required' })
    return {
      file: part.file,
      async confirmAlone() {
        await nextFile(request, files)
      },
    }
  }
  if (request.body instanceof Readable) return { file: request.body, confirmAlone: async () => undefined }
  throw new ProblemError('unsupported-media-type', `The body must be one of ${UPLOAD_TYPES.join(', ')}`)
}

async function nextFile<T>(
  request: FastifyRequest,
  files: AsyncIterator<T, undefined>,
): Promise<IteratorResult<T, undefined>> {
  try {
    return await files.next()
  } catch (error) {
    if (error instanceof request.server.multipartErrors.FilesLimitError) {
      throw unacceptable({ field: 'file', message: 'must be the only file of the form' })
    }
    throw new ProblemError('invalid-request', 'The form is malformed')
  }
}

/** Leaves the stream open when its reader stops: closing it would cut the connection before the answer. */
async function* limited(
  file: Readable,
  taken: { bytes: number },
  confirmAlone: Upload['confirmAlone'],
): AsyncGenerator<Buffer> {
  const chunks = file.iterator({ destroyOnReturn: false })
  try {
    while (true) {
      const { done, value } = await nextOf(chunks)
      if (done) return confirmAlone()
      const chunk = Buffer.from(value)
      taken.bytes += chunk.length
      if (taken.bytes > MAX_FILE_BYTES) throw new ProblemError('too-large')
      yield chunk
    }
  } finally {
    // A read that is left unended keeps everybody else from reading.
    await chunks.return?.()
  }
}

async function nextOf(chunks: AsyncIterator<Uint8Array>): Promise<IteratorResult<Uint8Array>> {
  try {
    return await chunks.next()
  } catch {
    throw new ProblemError('invalid-request', 'The file did not arrive as a whole')
  }
}
