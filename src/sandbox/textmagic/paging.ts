export type Page<Resource> = { page: number; pageCount: number; limit: number; resources: Resource[] }

const DEFAULT_LIMIT = 10

export type PageQuery = { page?: string; limit?: string }

/**
 * The page of `items` a query asks for. A limit that is not between 1 and 100 is replaced by the default of ten, not by the
 * nearest that would do: https://textmagic.com/docs/api/restrictions
 */
export function paginate<Item, Resource>(
  items: readonly Item[],
  query: PageQuery,
  toResource: (item: Item) => Resource,
): Page<Resource> {
  const page = Math.max(1, wholeNumber(query.page) ?? 1)
  const asked = wholeNumber(query.limit) ?? DEFAULT_LIMIT
  const limit = asked >= 1 && asked <= 100 ? asked : DEFAULT_LIMIT
  const resources = items.slice((page - 1) * limit, page * limit).map(toResource)
  return { page, pageCount: Math.max(1, Math.ceil(items.length / limit)), limit, resources }
}

/** The number written in a query parameter, or undefined when it is absent or no whole number. */
export function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}
