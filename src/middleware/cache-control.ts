/**
 * A response that carries a new cookie belongs to one visitor. A shared cache that stored it would give the
 * same assignment to all visitors behind the cache, so `Cache-Control` has to forbid that.
 */

export const CACHE_CONTROL = "Cache-Control";

/** Replaces the application's `Cache-Control` on a response that carries a new cookie. */
export const ONE_VISITORS = "private, no-cache";

/**
 * Only the whole directive counts: `private="x-user"` keeps one field from shared caches, and nothing else.
 */
const KEPT_FROM_SHARED_CACHES = /(?:^|,)[ \t]*(?:private|no-store)[ \t]*(?:,|$)/i;

/**
 * @param said the value of the application's `Cache-Control`; if there were several lines, joined by commas
 */
export function isKeptFromSharedCaches(said: string): boolean {
  return KEPT_FROM_SHARED_CACHES.test(said);
}
