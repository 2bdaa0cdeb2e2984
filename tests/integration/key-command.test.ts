import type { MikroORM } from '@mikro-orm/postgresql'
import { afterAll, beforeAll, describe, expect, it } from 'vitest'
import { findApiKey } from '../../src/db/access/api-keys.ts'
import { readKeyCommand, runKeyCommand } from '../../src/db/access/key-command.ts'
import { hashApiKey, isApiKey } from '../../src/domain/api-key.ts'
import { type MigratedDatabase, openMigratedDatabase } from '../support/migrated-database.ts'

let database: MigratedDatabase
let db: MikroORM
beforeAll(async () => {
  database = await openMigratedDatabase(2)
  db = database.db
})
afterAll(() => database.close())

const keys = (...args: string[]) => runKeyCommand(db.em, readKeyCommand(args))
const auditOf = (target: string) =>
  db.em.fork().execute('select key_name, role, action from audit_log where target = ? order by id', [target])
const auditCount = () => db.em.fork().execute('select count(*) from audit_log')

describe('npm run keys', () => {
  it('creates a key that works, says it once, lists it without it, and revokes it by its name', async () => {
    const { output: key, note } = await keys('create', '--name', 'web-form', '--role', 'intake')
    expect(isApiKey(key)).toBe(true)
    const found = await findApiKey(db.em.fork(), hashApiKey(key))
    expect(found).toMatchObject({ name: 'web-form', role: 'intake' })
    const id = found?.id
    expect(note).toBe(`This is the key of web-form (intake, id ${id}). It is not stored and not shown again.`)

    const listed = (await keys('list')).output
    expect(listed).toMatch(/^id {2}name +role +created {12}last used {2}revoked\n/)
    expect(listed).toMatch(new RegExp(`^${id} +web-form +intake +20\\S+Z +- +-$`, 'm'))
    for (const secret of [key, hashApiKey(key)]) expect(listed).not.toContain(secret)

    expect((await keys('revoke', 'web-form')).output).toMatch(
      new RegExp(`^web-form \\(id ${id}\\) was revoked at 20\\S+Z$`),
    )
    expect(await findApiKey(db.em.fork(), hashApiKey(key))).toBeNull()
    expect((await keys('list')).output).toMatch(new RegExp(`^${id} +web-form +intake +20\\S+Z +- +20\\S+Z$`, 'm'))
    expect(await auditOf(`key:${id}`)).toEqual([
      { key_name: 'cli', role: null, action: 'key.create' },
      { key_name: 'cli', role: null, action: 'key.revoke' },
    ])
  })

  it('refuses a name in use and a key that is not there, and changes nothing', async () => {
    await keys('create', '--name', 'jane', '--role', 'admin')
    const before = [await keys('list'), await auditCount()]
    await expect(keys('create', '--name', 'jane', '--role', 'operator')).rejects.toThrow(
      '--name: there is a key named jane already',
    )
    for (const which of ['nobody', '4711']) {
      await expect(keys('revoke', which)).rejects.toThrow(`NAME|ID: there is no key ${which} in use`)
    }
    expect([await keys('list'), await auditCount()]).toEqual(before)
  })

  it.each([
    ['', 'the command must be create, list or revoke'],
    ['delete jane', 'delete must be create, list or revoke'],
    ['create --role admin', '--name is missing'],
    ['create --name jane', '--role is missing'],
    ['create --name jane --role root', '--role must be one of admin, operator, intake'],
    ['create --name Jane --role admin', '--name must be 1 to 63 lower-case letters'],
    ['create --name admin --role admin', '--name is reserved'],
    ['create --name --role admin', '--name'],
    ['create jane --role admin', 'jane was not expected: the name goes with --name'],
    ['create --names jane', '--names'],
    ['list jane', 'jane was not expected'],
    ['list --name jane', '--name belongs to create'],
    ['revoke', 'NAME|ID is missing'],
    ['revoke jane joe', 'joe was not expected'],
  ])('%j is refused, naming the argument', (line, message) => {
    expect(() => readKeyCommand(line.split(' ').filter((word) => word !== ''))).toThrow(message)
  })
})
