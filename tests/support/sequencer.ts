import { createHash } from 'node:crypto'
import { BaseSequencer, type TestSpecification } from 'vitest/node'

/**
 * Files in an order that the seed of the run draws, but one kind of test after the other: a worker keeps what it has loaded
 * only while the files are of one kind.
 */
export class ByKind extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const seed = this.ctx.config.sequence.seed
    const keyed = files.map((file) => {
      const { name, config } = file.project
      const drawn = createHash('sha256').update(`${seed} ${file.moduleId}`).digest('hex')
      return { file, key: [String(config.sequence.groupOrder).padStart(3, '0'), name, drawn].join(' ') }
    })
    return keyed.sort((a, b) => (a.key < b.key ? -1 : 1)).map(({ file }) => file)
  }
}
