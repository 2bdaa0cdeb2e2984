import { createHash } from 'node:crypto'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * Files in an order that the seed of the run draws, but one kind of test after the other, as the configuration lists them: a
 * worker keeps what it has loaded only while the files are of one kind.
 */
export class ByKind extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const seed = this.ctx.config.sequence.seed
    const keyed = files.map((file) => {
      const { config } = file.project
      const kind = this.ctx.projects.findIndex(({ name }) => name === file.project.name)
      const drawn = createHash('sha256').update(`${seed} ${file.moduleId}`).digest('hex')
      const parts = [config.sequence.groupOrder, kind].map((part) => String(part).padStart(3, '0'))
      return { file, key: [...parts, drawn].join(' ') }
    })
    return keyed.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ file }) => file)
  }
}
