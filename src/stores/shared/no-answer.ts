/** The reason why a request over HTTP got no answer, for people. */

/**
 * No text of the server is repeated, only a code of the system or of Bun, which is one word.
 *
 * @param error the error with which `fetch` rejected
 */
export function noAnswerReason(error: unknown, timeoutMs: number): string {
  const { name, code } = (error ?? {}) as { readonly name?: unknown; readonly code?: unknown };
  if (name === "TimeoutError" || name === "AbortError") return `no whole answer within ${timeoutMs / 1000} s`;
  return typeof code === "string" && /^[A-Za-z0-9_]{1,80}$/.test(code) ? code : "no reason given";
}
