/** No cache shows one version's page to another version's visitors, and none is invited to. */

import { MASTER } from "../../record.ts";
import { type Check, type Evidence, fail, pass, warn } from "../check.ts";
import { pointsAt } from "../placing.ts";
import { type Probe, type Visit, visitHeader } from "../site.ts";
import { type Subject, siteOf, withoutSplit } from "../subject.ts";

/** How often visitors of two versions take turns at the same page. */
const TURNS = 10;

/** Headers in which caches tell of themselves. */
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
  skip: withoutSplit,
  isRepeated: true,

  async run(subject) {
    const site = siteOf(subject);
    const wrong: string[] = [];
    const visits: Visit[] = [];
    const pairs = await pairsOf(subject);
    const turn = async (probe: Probe, wanted: string, what: string) => {
      const visit = await site.visit(probe);
      visits.push(visit);
      if (visit.version !== undefined && visit.version !== wanted) {
        wrong.push(`${visit.version} instead of ${wanted}, ${what}`);
      }
    };
    for (const [first, second] of pairs) {
      for (let index = 0; index < TURNS; index++) {
        const { assignment, location } = index % 2 === 0 ? first : second;
        await turn({ assignment }, location, "when they take turns");
      }
      // A page that nobody has asked for: who comes first decides what a cache keeps.
      const query = `maxwellsdaemon-doctor=${Math.floor(subject.options.random() * 1e15).toString(36)}`;
      for (const { assignment, location } of [first, second, first]) {
        await turn({ assignment, query }, location, `where a visitor of ${first.location} came first`);
      }
    }
    if (visits.length === 0) visits.push(await site.visit({}));

    const invitation = visits.map(invitationOf).find((each) => each !== undefined);
    const traces = Object.fromEntries(
      TRACES.flatMap((name) => {
        const value = visits.map((visit) => visitHeader(visit, name)).findLast((each) => each !== undefined);
        return value === undefined ? [] : [[name, value]];
      }),
    );
    const evidence: Evidence = {
      visits: visits.length,
      wrong: wrong.length,
      examples: [...new Set(wrong)],
      ...traces,
      cacheControl: visits.map((visit) => visitHeader(visit, "cache-control")).find(Boolean) ?? null,
      vary: visits.map((visit) => visitHeader(visit, "vary")).find(Boolean) ?? null,
    };
    if (wrong.length > 0) {
      const finding = fail(
        `${wrong.length} of ${visits.length} pages were another version's: ${[...new Set(wrong)].join("; ")}`,
        "put the location into the cache's key, or do not cache these pages; at nginx: proxy_cache_key " +
          "$scheme$host$request_uri$maxwells_location",
        evidence,
      );
      // Master in the place of a version is also what a proxy does that lost its patience.
      return { ...finding, isFinal: wrong.some((each) => !each.startsWith(`${MASTER} `)) };
    }
    if (invitation !== undefined) {
      return warn(
        `shared caches may keep this page for everyone, whatever their version: ${invitation}`,
        "send Cache-Control: private, or have the location in the key of every cache in front, and Vary: Cookie for caches of others",
        evidence,
      );
    }
    if (pairs.length > 0 && !site.tells) {
      return warn(
        "which version served cannot be seen, so leaks of a cache cannot either",
        "make replies say which version served them (see told)",
        evidence,
      );
    }
    return pass(
      pairs.length > 0
        ? `${visits.length} pages, each of the right version`
        : "only one location has visitors now; the headers invite no shared cache",
      evidence,
    );
  },
};

interface Person {
  readonly assignment: string;
  readonly location: string;
}

/** A visitor of each version beside one of master, either of them first. */
async function pairsOf({ daemon, options }: Subject): Promise<[Person, Person][]> {
  const arcs = (await daemon.arcs()) ?? [];
  const personAt = (location: string) =>
    pointsAt(arcs, location, 1, options.random).map((assignment) => ({ assignment, location }));
  const [master] = personAt(MASTER);
  if (master === undefined) return [];
  return arcs
    .flatMap(({ version }) => personAt(version))
    .flatMap((person): [Person, Person][] => [
      [person, master],
      [master, person],
    ]);
}

/** What lets a shared cache keep a reply and give it to everyone (RFC 9111, section 3); undefined where nothing does. */
function invitationOf(visit: Visit): string | undefined {
  const control = visitHeader(visit, "cache-control")?.toLowerCase() ?? "";
  const vary = visitHeader(visit, "vary")?.toLowerCase() ?? "";
  if (/\b(no-store|private)\b/.test(control) || /\*|\bcookie\b/.test(vary)) return undefined;
  const isLong = /\bs-maxage="?0*[1-9]/.test(control) || /\bmax-age="?0*[1-9]/.test(control);
  if (/\bpublic\b/.test(control) || isLong) return `Cache-Control: ${control}`;
  const expires = Date.parse(visitHeader(visit, "expires") ?? "");
  return control === "" && expires > Date.now() ? `Expires: ${visitHeader(visit, "expires")}` : undefined;
}
