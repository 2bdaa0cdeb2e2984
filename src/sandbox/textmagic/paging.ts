export type Page<Resource> = { page: number; pageCount: number; limit: number; resources: Resource[] }

export type PageQuery = { page?: string; limit?: string }

/** The page of `items` a query asks for, ten to a page unless told, at most a hundred, as every TextMagic list is cut. */
export function paginate<Item, Resource>(
  items: readonly Item[],
  query: PageQuery,
  toResource: (item: Item) => Resource,
): Page<Resource> {
  const page = Math.max(1, wholeNumber(query.page) ?? 1)
  const limit = Math.min(100, Math.max(1, wholeNumber(query.limit) ?? 10))
  const resources = items.slice((page - 1) * limit, page * limit).map(toResource)
  return { page, pageCount: Math.max(1, Math.ceil(items.length / limit)), limit, resources }
}

/** The number written in a query parameter, or undefined when it is absent or no whole number. */
export function wholeNumber(text: string | undefined): number | undefined {
  return text !== undefined && /^\d{1,15}$/.test(text) ? Number(text) : undefined
}
