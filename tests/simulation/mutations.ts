import { spawn } from 'node:child_process'
import { cpSync, mkdtempSync, readFileSync, rmSync, symlinkSync, writeFileSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join, resolve } from 'node:path'
import { postgresFor } from '../support/simulation/server.ts'
import { MUTATIONS, type Mutation } from './mutation-list.ts'

/**
 * Shows that the simulation would notice: breaks one guarantee after the other in a copy of the code, and lives through
 * histories until a rule breaks. Takes minutes, and is run by hand: `node tests/simulation/mutations.ts [name]`.
 */
async function main(): Promise<void> {
  const wanted = process.argv[2] ?? ''
  const postgres = await postgresFor(process.env.TEST_DATABASE_URL)
  try {
    for (const mutation of MUTATIONS.filter(({ name }) => name.includes(wanted))) await tryOut(mutation, postgres.url)
  } finally {
    await postgres.close()
  }
}

const ROOT = resolve(import.meta.dirname, '../..')
const HISTORIES = 1500

async function tryOut(mutation: Mutation, databaseUrl: string): Promise<void> {
  const copy = mkdtempSync(join(tmpdir(), 'lead-unlock-mutation-'))
  try {
    for (const name of ['src', 'tests/simulation', 'tests/support/simulation', 'package.json']) {
      cpSync(join(ROOT, name), join(copy, name), { recursive: true })
    }
    symlinkSync(join(ROOT, 'node_modules'), join(copy, 'node_modules'))
    mutate(copy, mutation)
    const output = await simulate(copy, databaseUrl)
    const broken = /BROKEN (.*)/.exec(output)?.[1]
    const count = /(\d+) histories in/.exec(output)?.[1]
    if (count === undefined) throw new Error(`${mutation.name}: the simulation did not come to its end`)
    console.log(`${broken === undefined ? 'MISSED ' : 'noticed'} ${mutation.name}: ${broken ?? ''} (history ${count})`)
    if (broken === undefined) process.exitCode = 1
  } finally {
    rmSync(copy, { recursive: true })
  }
}

function mutate(copy: string, { name, file, from, to }: Mutation): void {
  const path = join(copy, file)
  const source = readFileSync(path, 'utf8')
  if (!source.includes(from)) throw new Error(`${name}: ${file} does not say "${from}" any more`)
  writeFileSync(
    path,
    source.replace(from, () => to),
  )
}

function simulate(cwd: string, databaseUrl: string): Promise<string> {
  const program = ['tests/simulation/main.ts', '--histories', String(HISTORIES), '--seed', '1', '--until-broken']
  const child = spawn(process.execPath, program, { cwd, env: { ...process.env, TEST_DATABASE_URL: databaseUrl } })
  let output = ''
  child.stdout.on('data', (chunk: Buffer) => {
    output += chunk.toString('utf8')
  })
  child.stderr.pipe(process.stderr)
  return new Promise((done, failed) => {
    child.on('error', failed)
    child.on('close', () => done(output))
  })
}

await main()
