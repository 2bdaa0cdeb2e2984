import { hostname } from 'node:os'
import { type DestinationStream, type Logger, destination as openDestination, pino, stdTimeFunctions } from 'pino'
import { describeError } from './logging/errors.ts'
import { listedFields } from './logging/fields.ts'
import { describeReply, describeRequest } from './logging/requests.ts'

export type { Logger } from 'pino'
export { describeError } from './logging/errors.ts'
export { exitOnUncaught } from './logging/uncaught.ts'

export type LoggerOptions = {
  /** The process: `api`, `worker`, `migrate`. */
  name: string
  level: string
  /** Where lines go; standard output when absent. */
  destination?: DestinationStream
}

const STANDARD_OUTPUT = 1

/**
 * The log: one JSON object a line, ISO time, level by name.
 *
 * A line holds no contact detail and no secret, even by mistake. Whatever was passed, each line goes through one gate that
 * keeps the fields listed in `logging/fields.ts` and masks their texts; errors are told by their facts, requests by method
 * and path. Values belong into fields: arguments after the message are left out.
 *
 * Lines are written before the call returns, so that none is lost when the process ends.
 */
export function createLogger({ name, level, destination }: LoggerOptions): Logger {
  return pino(
    {
      base: { process: name, pid: process.pid, hostname: hostname() },
      level,
      timestamp: stdTimeFunctions.isoTime,
      formatters: { level: (label) => ({ level: label }) },
      serializers: { err: (error) => describeError(error), req: describeRequest, res: describeReply },
      hooks: {
        logMethod(args, method) {
          method.apply(this, withMessage(args))
        },
        streamWrite: passGate,
      },
    },
    destination ?? openDestination({ fd: STANDARD_OUTPUT, sync: true }),
  )
}

/**
 * What pino is to write. Without a message it would take the error's own, and others (Fastify) pass that as the message:
 * either way it is replaced by the one without values. Placeholders would be filled from arguments, so those go.
 */
function withMessage([first, second]: readonly unknown[]): [object, string | undefined] | [string] {
  if (typeof first === 'string') return [first]
  const fields = first instanceof Error ? { err: first } : Object(first)
  const message = typeof second === 'string' ? second : undefined
  if (fields.err === undefined) return [fields, message]
  const { type, message: safe = type } = describeError(fields.err)
  const unsafe = fields.err instanceof Error ? fields.err.message : ''
  return [fields, unsafe === '' ? (message ?? safe) : (message ?? unsafe).replaceAll(unsafe, safe)]
}

function passGate(line: string): string {
  return `${JSON.stringify(listedFields(JSON.parse(line)))}\n`
}
