import { spawn } from 'node:child_process'
import { join } from 'node:path'

// Stands in for npm: starts the program below as npm starts a script, through a shell that stays, and waits for it.
const program = join(import.meta.dirname, 'embedded-program-children.ts')
spawn('sh', ['-c', '"$@"; exit $?', 'sh', process.execPath, program, ...process.argv.slice(2)], {
  env: { ...process.env, npm_lifecycle_event: 'start' },
  stdio: ['ignore', 'inherit', 'inherit'],
})
