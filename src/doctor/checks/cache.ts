/**
 * No cache shows one version's page to another version's visitors, and no header allows a cache to.
 *
 * The check comes before `split`, because a cache that leaks shows visitors the wrong version. It must not
 * blame a cache for the proxy's choice. So it judges a pair of visitors only if both get their versions at
 * pages that no cache can have yet.
 */

import { MASTER } from "../../circle.ts";
import type { Check } from "../check.ts";
import { causing, type Evidence, type Finding, fail, pass, skipped, warn } from "../finding.ts";
import { pointsAt } from "../site/probe-points.ts";
import { type Probe, type Visit, visitHeader } from "../site/site.ts";
import { CAUSES, type Subject, siteOf, withoutAssignment } from "../subject.ts";

/** Visits that the two visitors of a pair make in turn at the same page. */
const TURNS = 10;

/**
 * A proxy that places each request at random fails within this many looks at pages that no cache can have.
 */
const FRESH_LOOKS = 6;

/** Headers that caches add to replies. */
const TRACES = [
  "age",
  "x-cache",
  "x-cache-status",
  "x-proxy-cache",
  "cf-cache-status",
  "x-varnish",
  "x-served-by",
  "via",
];

export const cache: Check = {
  id: "cache",
  title: "no cache shows one version's page to visitors of another",
  skip: withoutAssignment,
  follows: CAUSES,
  isRepeated: true,

  async run(subject) {
    const site = siteOf(subject);
    const pairs = await pairsOf(subject);
    const { visits, wrong, judged } = await takeTurns(subject, pairs);
    if (pairs.length > 0 && judged === 0) {
      return skipped(
        "visitors get the wrong version even at pages that no cache can have, and split looks at that",
      );
    }
    if (visits.length === 0) visits.push(await site.visit({}));
    const evidence = evidenceOf(visits, wrong);
    if (wrong.length > 0) return leaked(visits, wrong, evidence);
    const invitation = visits.map(invitationOf).find((each) => each !== undefined);
    if (invitation !== undefined) {
      return warn(
        `shared caches may keep this page, and show it to visitors of other versions: ${invitation}`,
        "send Cache-Control: private. Or put the location into the key of each cache of yours, and send Vary: Cookie for other caches",
        evidence,
      );
    }
    if (pairs.length > 0 && !site.tells) {
      return warn(
        "replies do not say which version served them, so doctor cannot see whether a cache leaks",
        "make replies say which version served them (see version-shown)",
        evidence,
      );
    }
    return pass(
      pairs.length > 0
        ? `${visits.length} pages, each of the right version`
        : "only one location has visitors now, and the headers let no shared cache keep the page",
      evidence,
    );
  },
};

interface Turns {
  readonly visits: Visit[];
  /** A sentence for each page of the wrong version. */
  readonly wrong: readonly string[];
  /** The number of pairs that get their versions at pages that no cache can have. */
  readonly judged: number;
}

/**
 * Sends the visitors of each pair to the same page in turn, and then to a page that was not requested before.
 */
async function takeTurns(subject: Subject, pairs: readonly [CachedVisitor, CachedVisitor][]): Promise<Turns> {
  const site = siteOf(subject);
  const wrong: string[] = [];
  const visits: Visit[] = [];
  const turn = async (probe: Probe, wanted: string, what: string) => {
    const visit = await site.visit(probe);
    visits.push(visit);
    if (!isAt(visit, wanted)) wrong.push(`${visit.version} instead of ${wanted}, ${what}`);
  };
  let judged = 0;
  for (const [first, second] of pairs) {
    if (!(await areRouted([first, second], subject))) continue;
    judged++;
    for (let index = 0; index < TURNS; index++) {
      const { assignment, location } = index % 2 === 0 ? first : second;
      await turn({ assignment }, location, "when visitors take turns");
    }
    // A cache keeps the page of the visitor that comes first.
    const query = freshQuery(subject);
    for (const { assignment, location } of [first, second, first]) {
      await turn({ assignment, query }, location, `after a visitor of ${first.location} came first`);
    }
  }
  return { visits, wrong, judged };
}

function evidenceOf(visits: readonly Visit[], wrong: readonly string[]): Evidence {
  const traces = Object.fromEntries(
    TRACES.flatMap((name) => {
      const value = visits.map((visit) => visitHeader(visit, name)).findLast((each) => each !== undefined);
      return value === undefined ? [] : [[name, value]];
    }),
  );
  return {
    visits: visits.length,
    wrong: wrong.length,
    examples: [...new Set(wrong)],
    ...traces,
    cacheControl: visits.map((visit) => visitHeader(visit, "cache-control")).find(Boolean) ?? null,
    vary: visits.map((visit) => visitHeader(visit, "vary")).find(Boolean) ?? null,
  };
}

function leaked(visits: readonly Visit[], wrong: readonly string[], evidence: Evidence): Finding {
  const finding = fail(
    `${wrong.length} of ${visits.length} pages were of the wrong version: ${[...new Set(wrong)].join("; ")}`,
    "put the location into the cache's key, or do not cache these pages; in nginx: proxy_cache_key " +
      "$scheme$host$request_uri$maxwells_location",
    evidence,
  );
  // A proxy that stopped waiting for the daemon serves master, too. Only other mixtures prove a leak at once.
  const isFinal = wrong.some((each) => !each.startsWith(`${MASTER} `));
  return causing({ ...finding, isFinal }, "a cache gives visitors the page of another version");
}

/** A query that was never sent before. */
function freshQuery({ options }: Subject): string {
  return `maxwellsdaemon-doctor=${Math.floor(options.random() * 1e15).toString(36)}`;
}

/** Whether each visitor gets its version at every page that was not requested before. */
async function areRouted(people: readonly CachedVisitor[], subject: Subject): Promise<boolean> {
  for (let look = 0; look < FRESH_LOOKS; look++) {
    for (const { assignment, location } of people) {
      const visit = await siteOf(subject).visit({ assignment, query: freshQuery(subject) });
      if (!isAt(visit, location)) return false;
    }
  }
  return true;
}

/** Whether the visit was at `location`. A reply that does not name its version counts as right. */
function isAt({ version }: Visit, location: string): boolean {
  return version === undefined || version === location;
}

interface CachedVisitor {
  readonly assignment: string;
  readonly location: string;
}

/** Pairs of a visitor of a version and a visitor of master, in both orders. */
async function pairsOf({ daemon, options }: Subject): Promise<[CachedVisitor, CachedVisitor][]> {
  const arcs = (await daemon.arcs()) ?? [];
  const personAt = (location: string) =>
    pointsAt(arcs, location, 1, options.random).map((assignment) => ({ assignment, location }));
  const [master] = personAt(MASTER);
  if (master === undefined) return [];
  return arcs
    .flatMap(({ version }) => personAt(version))
    .flatMap((person): [CachedVisitor, CachedVisitor][] => [
      [person, master],
      [master, person],
    ]);
}

/**
 * The header that lets a shared cache keep a reply and give it to all visitors (RFC 9111, section 3);
 * undefined if there is none.
 */
function invitationOf(visit: Visit): string | undefined {
  const control = visitHeader(visit, "cache-control")?.toLowerCase() ?? "";
  const vary = visitHeader(visit, "vary")?.toLowerCase() ?? "";
  if (/\b(no-store|private)\b/.test(control) || /\*|\bcookie\b/.test(vary)) return undefined;
  const isLong = /\bs-maxage="?0*[1-9]/.test(control) || /\bmax-age="?0*[1-9]/.test(control);
  if (/\bpublic\b/.test(control) || isLong) return `Cache-Control: ${control}`;
  const expires = Date.parse(visitHeader(visit, "expires") ?? "");
  return control === "" && expires > Date.now() ? `Expires: ${visitHeader(visit, "expires")}` : undefined;
}
