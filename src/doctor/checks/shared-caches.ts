/**
 * No shared cache may keep a reply with a new cookie. If a cache kept one, it would give the cookie to all
 * visitors behind it, and they would share one assignment for a year.
 */

import type { Check } from "../check.ts";
import { type Evidence, pass, skipped, warn } from "../finding.ts";
import { type Visit, visitHeader } from "../site/site.ts";
import { siteOf, withoutSite } from "../subject.ts";

const VISITORS = 5;

export const sharedCaches: Check = {
  id: "shared-caches",
  title: "shared caches keep no reply with a new cookie",
  skip: withoutSite,
  follows: ["maintenance", "socket", "socket-access", "leases", "url", "errors", "proxy-asks"],

  async run(subject, signal) {
    const site = siteOf(subject);
    const visits = await site.visitAll(
      Array.from({ length: VISITORS }, () => ({})),
      signal,
    );
    const withCookie = visits.filter(({ cookies }) => cookies.length > 0);
    const open = withCookie.filter((visit) => !isKeptPrivate(visit));
    const [example] = open.length > 0 ? open : withCookie;
    const evidence: Evidence = {
      visitors: visits.length,
      withCookie: withCookie.length,
      open: open.length,
      cacheControl: example === undefined ? null : (visitHeader(example, "cache-control") ?? null),
    };
    if (withCookie.length === 0) return skipped("no new visitor got a cookie", evidence);
    if (open.length === 0) return pass(`Cache-Control: ${evidence["cacheControl"]}`, evidence);
    const said =
      evidence["cacheControl"] === null ? "no Cache-Control" : `Cache-Control: ${evidence["cacheControl"]}`;
    return warn(
      `a new visitor gets Set-Cookie and ${said}: a shared cache may keep it, and give one assignment to all visitors behind it`,
      "send Cache-Control: private (or no-store) with each new cookie, as the shipped files do",
      evidence,
    );
  },
};

/**
 * Whether shared caches may not repeat the cookie (RFC 9111, section 5.2.2): by `private` or `no-store` for
 * the whole reply, or by `private` or `no-cache` for this one field.
 */
function isKeptPrivate(visit: Visit): boolean {
  const control = visitHeader(visit, "cache-control")?.toLowerCase() ?? "";
  return (
    /(?:^|[,\s])(?:no-store|private)(?:$|[,\s])/.test(control) ||
    /(?:^|[,\s])(?:no-cache|private)="[^"]*\bset-cookie\b[^"]*"/.test(control)
  );
}
