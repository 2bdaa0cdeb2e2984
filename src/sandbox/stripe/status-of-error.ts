/** The HTTP status an error thrown by Fastify asks for, e.g. 400 for a malformed body; 500 for any other error. */
export function statusOfError(error: unknown): number {
  const hasStatus = error instanceof Error && 'statusCode' in error && typeof error.statusCode === 'number'
  return hasStatus ? Number(error.statusCode) : 500
}
