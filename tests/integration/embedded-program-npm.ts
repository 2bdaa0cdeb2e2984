import { spawn } from 'node:child_process'
import { join } from 'node:path'

// Stands in for npm: starts the program below as a script of npm's, and waits for it.
const program = join(import.meta.dirname, 'embedded-program-children.ts')
spawn(process.execPath, [program, ...process.argv.slice(2)], {
  env: { ...process.env, npm_lifecycle_event: 'start' },
  stdio: ['ignore', 'inherit', 'inherit'],
})
