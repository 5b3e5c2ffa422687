/**
 * GET for a document from a server that is trusted only for its own answer.
 *
 * Redirects are followed here, and only a few. They never lead from https to http, because every machine on
 * the way could then write the rollouts. The user and the password are sent only to the host that the
 * operator named.
 */

import { redactAddress } from "../../text/redact.ts";
import { IDENTITY_HEADER, NO_UNPACKING, refuseEncoded } from "../shared/identity.ts";
import { StoreError } from "../store.ts";

const REDIRECTS_MAX = 5;

const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

export interface Got {
  readonly response: Response;
  /** The address that answered, after all redirects. */
  readonly url: URL;
}

/**
 * Rejects with a `StoreError` if the answer is compressed or a redirect cannot be followed, or with the error
 * of `fetch`.
 *
 * @param headersFor the headers for an address on the way; `isOwn` if it has the host that `url` names
 */
export async function get(
  url: URL,
  headersFor: (at: URL, isOwn: boolean) => Readonly<Record<string, string>>,
  signal: AbortSignal,
): Promise<Got> {
  const address = redactAddress(url.href);
  let at = url;
  for (let redirects = 0; redirects <= REDIRECTS_MAX; redirects++) {
    const response = await fetch(at, {
      ...NO_UNPACKING,
      headers: { ...headersFor(at, at.origin === url.origin), ...IDENTITY_HEADER },
      redirect: "manual",
      signal,
    });
    if (!REDIRECTS.has(response.status)) {
      await refuseEncoded(address, response);
      return { response, url: at };
    }
    await response.body?.cancel();
    at = targetOf(address, at, response.headers.get("location"));
  }
  throw redirectFault(address, `leads to more than ${REDIRECTS_MAX} redirects`, "name the last address");
}

/** The address that a redirect leads to. */
function targetOf(address: string, from: URL, location: string | null): URL {
  const to = location === null ? null : URL.parse(location, from.href);
  if (to === null) {
    throw redirectFault(address, "answers with a redirect to nowhere", "look at its server");
  }
  if (to.protocol !== "http:" && to.protocol !== "https:") {
    throw redirectFault(address, `leads to ${to.protocol}, which is not a web address`, "look at its server");
  }
  if (from.protocol === "https:" && to.protocol === "http:") {
    const danger = "leads from https to http, so every machine on the way can write the rollouts";
    throw redirectFault(address, danger, "let its server redirect to https, or name the right address");
  }
  // The login in a redirect comes from the server, not from the operator.
  to.username = "";
  to.password = "";
  to.hash = "";
  return to;
}

function redirectFault(address: string, what: string, remedy: string): StoreError {
  return new StoreError("malformed", `${address} ${what}; ${remedy}`);
}
