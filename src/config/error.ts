/** What is wrong with one variable of the environment. Never holds a value: it may be a secret, or one pasted wrongly. */
export type ConfigProblem = {
  variable: string
  /** Such as `is missing`. */
  problem: string
  /** What belongs there instead. */
  expected: string
}

/** The environment cannot be used. Lists every problem at once, so that nobody has to find them one restart at a time. */
export class ConfigError extends Error {
  override readonly name = 'ConfigError'
  readonly code = 'config_invalid'
  readonly problems: readonly ConfigProblem[]

  constructor(problems: readonly ConfigProblem[]) {
    const lines = problems.map(({ variable, problem, expected }) => `  ${variable} ${problem}; expected ${expected}`)
    const count = problems.length === 1 ? '1 problem' : `${problems.length} problems`
    super(`${count} in the environment:\n${lines.join('\n')}`)
    this.problems = problems
  }
}
