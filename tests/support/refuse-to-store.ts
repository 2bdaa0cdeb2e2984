import { onTestFinished } from 'vitest'
import type { Product } from './product.ts'

/**
 * Postgres refuses to store this webhook, until the test ends.
 *
 * @param because what it raises
 * @returns ends it before
 */
export async function refuseToStore(
  product: Product,
  externalId: string,
  because = 'check_violation',
): Promise<() => Promise<void>> {
  await product.rows(`
    create function refuse_to_store() returns trigger language plpgsql as $$ begin raise ${because}; end $$;
    create trigger refuse_to_store before insert on webhook_inbox for each row
      when (new.external_id = '${externalId}') execute function refuse_to_store()`)
  const end = async () => {
    await product.rows('drop function if exists refuse_to_store cascade')
  }
  onTestFinished(end)
  return end
}
