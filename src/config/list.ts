/** The entries of a comma-separated list, without the space around them. */
export function splitList(value: string): string[] {
  return value.split(',').map((entry) => entry.trim())
}
