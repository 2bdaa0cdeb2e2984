import { parseArgs } from 'node:util'
import { drawApiKey, hashApiKey, keyNameProblem } from '../../domain/api-key.ts'
import { isRole, ROLES, type Role } from '../../domain/roles.ts'
import type { ApiKey } from '../entities/index.ts'
import type { EntityManager } from '../postgres/orm.ts'
import { createApiKey, KeyNameTakenError, listApiKeys, revokeApiKey } from './api-keys.ts'

export const USAGE = `npm run keys -- create --name NAME --role ${ROLES.join('|')}
npm run keys -- list
npm run keys -- revoke NAME|ID`

export type KeyCommand =
  | { command: 'create'; name: string; role: Role }
  | { command: 'list' }
  | { command: 'revoke'; which: string | number }

/** What was asked for makes no sense, or cannot be done; the message names the argument. */
export class KeyCommandError extends Error {
  readonly code: 'usage' | 'refused'

  constructor(code: 'usage' | 'refused', message: string) {
    super(message)
    this.code = code
  }
}

/** @throws {KeyCommandError} usage */
export function readKeyCommand(args: readonly string[]): KeyCommand {
  const { values, positionals } = parse(args)
  const [command, which, ...rest] = positionals
  const { name, role } = values
  if (command !== 'create' && (name !== undefined || role !== undefined)) {
    throw usage(`--${name === undefined ? 'role' : 'name'} belongs to create`)
  }
  if (command === 'create') {
    if (which !== undefined) throw usage(`${which} was not expected: the name goes with --name`)
    return { command, name: nameIn(name), role: roleIn(role) }
  }
  if (rest.length > 0 || (command === 'list' && which !== undefined)) {
    throw usage(`${rest[0] ?? which} was not expected`)
  }
  if (command === 'list') return { command }
  if (command !== 'revoke') throw usage(`${command ?? 'the command'} must be create, list or revoke`)
  if (which === undefined) throw usage('NAME|ID is missing')
  return { command, which: /^\d{1,9}$/.test(which) ? Number(which) : which }
}

/** What a command has to say: to whatever takes its output, and to the person at the terminal. */
export type Told = { output: string; note: string | null }

const BY = { keyName: 'cli', role: null, requestId: null }

/**
 * Does it, audited under the name `cli`. The key that `create` draws is in its output and nowhere else.
 *
 * @throws {KeyCommandError} refused: nothing was changed
 */
export async function runKeyCommand(em: EntityManager, asked: KeyCommand): Promise<Told> {
  switch (asked.command) {
    case 'create':
      return create(em, asked.name, asked.role)
    case 'list':
      return { output: table(await listApiKeys(em.fork())), note: null }
    case 'revoke': {
      const key = await revokeApiKey(em, asked.which, BY)
      if (key === null) throw new KeyCommandError('refused', `NAME|ID: there is no key ${asked.which} in use`)
      return { output: `${key.name} (id ${key.id}) was revoked at ${key.revokedAt?.toISOString()}`, note: null }
    }
  }
}

async function create(em: EntityManager, name: string, role: Role): Promise<Told> {
  const key = drawApiKey()
  try {
    const { id } = await createApiKey(em, { name, role, hash: hashApiKey(key) }, BY)
    return {
      output: key,
      note: `This is the key of ${name} (${role}, id ${id}). It is not stored and not shown again.`,
    }
  } catch (error) {
    if (error instanceof KeyNameTakenError) throw new KeyCommandError('refused', `--name: ${error.message}`)
    throw error
  }
}

function parse(args: readonly string[]) {
  try {
    return parseArgs({
      args: [...args],
      options: { name: { type: 'string' }, role: { type: 'string' } },
      allowPositionals: true,
    })
  } catch (error) {
    if (error instanceof TypeError) throw usage(error.message)
    throw error
  }
}

function nameIn(name: string | undefined): string {
  const problem = name === undefined ? 'is missing' : keyNameProblem(name)
  if (name === undefined || problem !== null) throw usage(`--name ${problem}`)
  return name
}

function roleIn(role: string | undefined): Role {
  if (role === undefined) throw usage('--role is missing')
  if (!isRole(role)) throw usage(`--role must be one of ${ROLES.join(', ')}`)
  return role
}

function usage(what: string): KeyCommandError {
  return new KeyCommandError('usage', what)
}

function table(keys: readonly ApiKey[]): string {
  const shown = (at: Date | null | undefined) => at?.toISOString().slice(0, 16).concat('Z') ?? '-'
  const rows = [
    ['id', 'name', 'role', 'created', 'last used', 'revoked'],
    ...keys.map((key) => [
      String(key.id),
      key.name,
      key.role,
      shown(key.createdAt),
      shown(key.lastUsedAt),
      shown(key.revokedAt),
    ]),
  ]
  const width = (column: number) => Math.max(...rows.map((row) => row[column]?.length ?? 0))
  return rows
    .map((row) =>
      row
        .map((cell, column) => cell.padEnd(width(column)))
        .join('  ')
        .trimEnd(),
    )
    .join('\n')
}
