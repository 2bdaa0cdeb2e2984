import { setImmediate } from 'node:timers/promises'

/** Bytes parsed in one go: each may be a line, and what is written to the parser is parsed before anything else. */
const PIECE_BYTES = 1024

/** Longest record, bytes, separators included. Only what stands between them counts for the limit of the parser. */
const MAX_RECORD_BYTES = 128 * 1024

/** How far a file is parsed. */
export type Progress = {
  /** Where the next record begins. */
  line: number
  /** Records that ended, whatever became of them. */
  records: number
  /** Nothing that follows is understood any more. */
  broken: boolean
  /** The record in which the file was given up; null while it is read. */
  givenUpAt: number | null
}

/**
 * A file in pieces so small that other requests get their turn between them. Ends early in a record that does not end.
 *
 * @param progress kept by whoever parses the pieces
 */
export async function* inPieces(chunks: AsyncIterable<Buffer>, progress: Progress): AsyncGenerator<Buffer> {
  let records = 0
  let bytes = 0
  for await (const chunk of chunks) {
    for (let at = 0; at < chunk.length; at += PIECE_BYTES) {
      if (progress.records > records || progress.broken) bytes = 0
      records = progress.records
      if (bytes > MAX_RECORD_BYTES) {
        progress.givenUpAt = progress.line
        return
      }
      const piece = chunk.subarray(at, at + PIECE_BYTES)
      bytes += piece.length
      yield piece
      await setImmediate()
    }
  }
}
