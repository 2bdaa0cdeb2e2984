import type { Product } from './product.ts'

/** What the invariants are held against: the same of a product in this process and of one in processes of its own. */
export type Evidence = Pick<
  Product,
  'rows' | 'textmagic' | 'stripe' | 'log' | 'forwarded' | 'db' | 'sealer' | 'config' | 'redisPrefix'
>
