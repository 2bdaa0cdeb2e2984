/** One dispute of a payment, as far as Stripe has told. */
export type KnownDispute = { status: string; closed: boolean }

/**
 * What a payment's `dispute_status` says of all its disputes: one that was lost took the money, whatever becomes of the
 * others; else one that is open counts.
 *
 * @param disputes the one told of last at the end
 */
export function judgeDisputes(disputes: readonly KnownDispute[]): string | null {
  const last =
    disputes.findLast(({ closed, status }) => closed && status === 'lost') ??
    disputes.findLast(({ closed }) => !closed) ??
    disputes.at(-1)
  return last === undefined ? null : describeDispute(last)
}

export function describeDispute({ status, closed }: KnownDispute): string {
  return closed ? `closed: ${status}` : status
}
