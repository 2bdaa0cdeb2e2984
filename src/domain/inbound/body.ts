/** The fields of a callback by name. In the form encodings every value is text; in JSON it may be anything. */
export type GatewayFields = Record<string, unknown>

/**
 * Reads the body of a TextMagic callback: JSON, urlencoded or multipart, by an account setting we do not control. Which of
 * them it is shows in how it begins, also where the declared content type is missing or lies.
 *
 * @param contentType the header as it came, or an empty string; it may name the boundary of a multipart body
 * @returns the fields; null when the body is none of the three
 */
export async function parseGatewayBody(contentType: string, bytes: Uint8Array): Promise<GatewayFields | null> {
  const fields = readJson(bytes) ?? (await readMultipart(bytes, contentType)) ?? readUrlencoded(bytes)
  return fields !== null && Object.keys(fields).length > 0 ? fields : null
}

function readJson(bytes: Uint8Array): GatewayFields | null {
  const text = new TextDecoder().decode(bytes).trim()
  if (!text.startsWith('{')) return null
  try {
    const value: unknown = JSON.parse(text)
    return isFields(value) ? value : null
  } catch (error) {
    if (error instanceof SyntaxError) return null
    throw error
  }
}

/** Any text is formally urlencoded, so this asks for a name of letters and an equals sign. */
function readUrlencoded(bytes: Uint8Array): GatewayFields | null {
  const text = new TextDecoder().decode(bytes).trim()
  return /^[\w.%[\]-]{1,64}=/.test(text) ? firstValues(new URLSearchParams(text)) : null
}

async function readMultipart(bytes: Uint8Array, contentType: string): Promise<GatewayFields | null> {
  const declared = /^\s*multipart\/form-data\s*;.*boundary=/i.test(contentType)
  const boundary = /^--([\w'()+,./:=? -]{1,70})\r?\n/.exec(new TextDecoder('latin1').decode(bytes.subarray(0, 80)))?.[1]
  const type = declared ? contentType : boundary && `multipart/form-data; boundary="${boundary}"`
  if (!type) return null
  try {
    const form = await new Response(Uint8Array.from(bytes), { headers: { 'content-type': type } }).formData()
    return firstValues(form)
  } catch (error) {
    // What the platform throws for a broken multipart body or a content type it cannot take.
    if (error instanceof TypeError) return null
    throw error
  }
}

/** A repeated name counts once, and a file is no value. */
function firstValues(entries: Iterable<[string, unknown]>): GatewayFields {
  const fields = new Map<string, string>()
  for (const [name, value] of entries) if (typeof value === 'string' && !fields.has(name)) fields.set(name, value)
  return Object.fromEntries(fields)
}

function isFields(value: unknown): value is GatewayFields {
  return typeof value === 'object' && value !== null && !Array.isArray(value)
}
