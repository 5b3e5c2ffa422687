/** A new visitor gets one cookie, with the required attributes, and it keeps the visitor at its version. */

import { isIP } from "node:net";
import { assignmentOfText } from "../../assignment.ts";
import type { Check } from "../check.ts";
import { type Evidence, fail, pass } from "../finding.ts";
import { locationOf, type ServedArc } from "../site/probe-points.ts";
import { cookieValue, type Site, type Visit } from "../site/site.ts";
import { CAUSES, siteOf, withoutAssignment } from "../subject.ts";

const VISITORS_MAX = 20;

const DAY_S = 86_400;

/** About a year. */
const AGE_S_MIN = 330 * DAY_S;
const AGE_S_MAX = 400 * DAY_S;

export const cookie: Check = {
  id: "cookie",
  title: "a new visitor gets one cookie, which keeps it at its version",
  skip: withoutAssignment,
  follows: CAUSES,
  isRepeated: true,

  async run(subject, signal) {
    const site = siteOf(subject);
    const arcs = (await subject.daemon.arcs()) ?? [];
    const visits = await site.visitAll(
      Array.from({ length: VISITORS_MAX }, () => ({})),
      signal,
    );
    const values = visits.flatMap(({ cookies }) => cookies.slice(0, 1).map(cookieValue));
    const problems = new Set(visits.flatMap((visit) => problemsOf(visit, site)));
    if (values.length > 1 && new Set(values).size === 1) {
      problems.add("all new visitors get the same assignment: a cache keeps and repeats Set-Cookie");
    }
    const misplaced = visits.filter(({ cookies: [first], version }) => {
      return first !== undefined && version !== undefined && version !== locationOf(arcs, cookieValue(first));
    });
    if (misplaced.length > 0) {
      problems.add(`${misplaced.length} new visitors got another version than that of their new assignment`);
    }

    const back = values.map((assignment) => ({ assignment }));
    const returned = await site.visitAll(back, signal);
    const recookied = returned.filter(({ cookies }) => cookies.length > 0).length;
    if (recookied > 0) problems.add(`${recookied} visitors returned with the cookie and got another cookie`);
    const moved = returned.filter(({ version }, index) => version !== servedBy(values[index], arcs, version));
    if (moved.length > 0)
      problems.add(`${moved.length} visitors returned with the cookie and got another version`);

    const [example = ""] = visits[0]?.cookies ?? [];
    const evidence: Evidence = {
      visitors: visits.length,
      withCookie: values.length,
      example,
      problems: [...problems],
    };
    if (problems.size > 0) {
      return fail(
        [...problems].join("; "),
        `make the proxy set this cookie for a visitor without one: ${wantedCookie(site.isTls)}`,
        evidence,
      );
    }
    return pass(example, evidence);
  },
};

function problemsOf({ cookies, error, status }: Visit, { isTls, host }: Site): string[] {
  const [text, ...more] = cookies;
  if (text === undefined) {
    return [
      error === undefined
        ? `a new visitor gets no cookie maxwellsdaemon (status ${status})`
        : "a new visitor gets no reply",
    ];
  }
  const problems = more.length > 0 ? [`a new visitor gets ${cookies.length} cookies maxwellsdaemon`] : [];
  if (Number.isNaN(assignmentOfText(cookieValue(text))))
    problems.push("the cookie's value is not an assignment");
  const attributes = new Map(
    text
      .split(";")
      .slice(1)
      .map((part) => {
        const [name = "", value = ""] = part.trim().split("=", 2);
        return [name.toLowerCase(), value] as const;
      }),
  );
  if (attributes.get("path") !== "/") problems.push("the cookie has no Path=/, so other pages do not get it");
  const domain = attributes.get("domain") ?? "";
  if (!isWithin(host, domain))
    problems.push(`the cookie's Domain=${domain} does not cover ${host}: browsers do not keep it`);
  const age = Number(attributes.get("max-age") ?? Number.NaN);
  if (!(age >= AGE_S_MIN && age <= AGE_S_MAX)) problems.push("the cookie's Max-Age is not about a year");
  if (!attributes.has("httponly")) problems.push("the cookie lacks HttpOnly");
  if (attributes.get("samesite")?.toLowerCase() !== "lax") problems.push("the cookie lacks SameSite=Lax");
  if (isTls && !attributes.has("secure"))
    problems.push("the cookie lacks Secure, though the page is served over TLS");
  if (!isTls && attributes.has("secure")) {
    problems.push("the cookie has Secure, though the page is served without TLS: browsers do not keep it");
  }
  return problems;
}

/**
 * Whether a browser keeps a cookie with this domain from this host (RFC 6265, section 5.1.3). True if the
 * domain is empty.
 */
function isWithin(host: string, domain: string): boolean {
  const name = domain.toLowerCase().replace(/^\./, "");
  return name === "" || host === name || (isIP(host) === 0 && host.endsWith(`.${name}`));
}

function servedBy(assignment: string | undefined, arcs: readonly ServedArc[], version: string | undefined) {
  return version === undefined || assignment === undefined ? version : locationOf(arcs, assignment);
}

function wantedCookie(isTls: boolean): string {
  return `maxwellsdaemon=<assignment>; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax${isTls ? "; Secure" : ""}`;
}
