/** A number as TextMagic writes it: digits only. */
export function digitsOf(phone: string | number): string {
  return String(phone).replace(/\D/g, '')
}
