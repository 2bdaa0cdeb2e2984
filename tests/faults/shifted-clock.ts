/**
 * Loaded before a process's own code (`--import`): its clock is CLOCK_SHIFT_MS off. Timers and the monotonic clock run as
 * ever, as they do on a machine whose time was never set.
 */
const RealDate = Date
const shift = Number(process.env.CLOCK_SHIFT_MS)

class ShiftedDate extends RealDate {
  constructor(...args: ConstructorParameters<typeof RealDate> | []) {
    if (args.length === 0) super(RealDate.now() + shift)
    else super(...args)
  }

  static override now(): number {
    return RealDate.now() + shift
  }
}

globalThis.Date = ShiftedDate as DateConstructor
