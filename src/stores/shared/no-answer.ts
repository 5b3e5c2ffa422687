/** Why a request over HTTP had no answer, in words. */

/**
 * No text of the other side is repeated: only a code of the system or of Bun, which is one word.
 *
 * @param error what `fetch` rejected with
 */
export function noAnswerReason(error: unknown, timeoutMs: number): string {
  const { name, code } = (error ?? {}) as { readonly name?: unknown; readonly code?: unknown };
  if (name === "TimeoutError" || name === "AbortError") return `no whole answer within ${timeoutMs / 1000} s`;
  return typeof code === "string" && /^[A-Za-z0-9_]{1,80}$/.test(code) ? code : "no reason given";
}
