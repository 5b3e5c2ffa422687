/**
 * One request of a check. The operator named the server, but its answer is hostile: it may never end, lead
 * elsewhere, or unpack to gigabytes. `fetch` bounds the head, and the caller bounds the body and the time.
 *
 * Redirects are followed within one origin only. So the header with the secret, and the body with the
 * operator's metadata, reach no host, port or scheme that the operator did not name. A redirect that turns a
 * POST into a GET is not followed, because it mostly leads to a login page that answers with status 200.
 */

import { IDENTITY_HEADER, isIdentity, NO_UNPACKING } from "../stores/shared/identity.ts";
import { noAnswerReason } from "../stores/shared/no-answer.ts";
import { quote } from "../text/quote.ts";

const REDIRECTS_MAX = 5;

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);
/** These keep the method and the body. */
const KEEPING: ReadonlySet<number> = new Set([307, 308]);

export interface CheckRequest {
  readonly url: URL;
  readonly headers: Readonly<Record<string, string>>;
  /** The body of a POST; undefined for a GET. */
  readonly body?: string;
}

/** Why there is no answer to judge, with the remedy. It holds no secret. */
export class Unanswered {
  readonly why: string;
  constructor(why: string) {
    this.why = why;
  }
}

/**
 * The answer, whose body is still to be read. Never rejects.
 *
 * @param timeoutMs for people: after that time the caller's signal aborts
 */
export async function send(
  { url, headers, body }: CheckRequest,
  signal: AbortSignal,
  timeoutMs: number,
): Promise<Response | Unanswered> {
  let at = url;
  try {
    for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects++) {
      const response = await fetch(at, {
        ...NO_UNPACKING,
        ...(body === undefined ? { method: "GET" } : { method: "POST", body }),
        headers: { ...headers, ...IDENTITY_HEADER },
        redirect: "manual",
        // An idle connection may be closed in the moment of the next request, which would be a fault.
        keepalive: false,
        signal,
      });
      const next = nextOf(response, at, body !== undefined);
      if (next === undefined) return response;
      drop(response);
      if (next instanceof Unanswered) return next;
      at = next;
    }
  } catch (error) {
    const reason = noAnswerReason(error, timeoutMs);
    return new Unanswered(
      `${url.origin} does not answer (${reason}); check the address, the network and its certificate`,
    );
  }
  return new Unanswered(`${url.origin} leads to more than ${REDIRECTS_MAX} redirects; name the last address`);
}

/** Ends an answer whose body is not wanted, or not wanted any more. */
export function drop({ body }: Response): void {
  body?.cancel().catch(() => {});
}

/** The target of a redirect, or the fault of an answer; undefined if the answer counts. */
function nextOf(response: Response, at: URL, isPost: boolean): URL | Unanswered | undefined {
  const { status, headers } = response;
  if (!isIdentity(headers.get("content-encoding") ?? "")) {
    const what = "sends a compressed answer, although it was asked not to";
    return new Unanswered(`${at.origin} ${what}; turn compression off at its server`);
  }
  if (status < 300 || status > 399) return undefined;
  const location = headers.get("location");
  const to = location === null ? null : URL.parse(location, at.href);
  if (!REDIRECTS.has(status) || to === null) {
    return new Unanswered(`${at.origin} answers with status ${status} and no target; look at its server`);
  }
  if (to.origin !== at.origin) {
    const target = `${to.protocol}//${to.host}`;
    return new Unanswered(`${at.origin} leads to ${quote(target, "")}; if that is right, name it in url`);
  }
  if (isPost && !KEEPING.has(status)) {
    const where = `answers a POST with a redirect to ${quote(to.pathname, "")} (status ${status})`;
    return new Unanswered(`${at.origin} ${where}; name the address that answers in url`);
  }
  // The login in a redirect comes from the server, not from the operator.
  to.username = "";
  to.password = "";
  return to;
}
