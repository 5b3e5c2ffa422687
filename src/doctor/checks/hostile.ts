/** The proxy serves a visitor even if its cookie is garbage. */

import { assignmentOfText } from "../../assignment.ts";
import { MASTER } from "../../circle.ts";
import type { Check } from "../check.ts";
import { fail, pass } from "../finding.ts";
import { locationOf, pointsAt, type ServedArc } from "../site/probe-points.ts";
import { cookieValue, outcome, type Visit } from "../site/site.ts";
import { CAUSES, type Subject, siteOf, withoutAssignment } from "../subject.ts";

/**
 * A visitor that got no new cookie returns this often, because a canary may be rare. The same version has to
 * serve it each time.
 */
const RETURNS = 6;

/** Doctor sends a doubled cookie this often. Either of the two may count, but always the same one. */
const REPEATS = 3;

const NAMED_MAX = 5;
const SHOWN_LENGTH_MAX = 60;

/** Each character is a byte. */
const GARBAGE = [
  "maxwellsdaemon=",
  "maxwellsdaemon",
  "maxwellsdaemon=..",
  "maxwellsdaemon=nan",
  "maxwellsdaemon=-0.1",
  "maxwellsdaemon=1",
  "maxwellsdaemon=1e-999999999999999999999999999999999999",
  "maxwellsdaemon=0x0.8p0",
  "maxwellsdaemon=0.5%0a0.6",
  "maxwellsdaemon=0.5%0d%0aset-cookie: a=b",
  "maxwellsdaemon=0.5 force=canary",
  "maxwellsdaemon=?lease",
  'maxwellsdaemon="0.1"',
  "maxwellsdaemon=\xff\xfe\x80",
  "=; ;;maxwellsdaemon",
];

/** Cookies that are too long. A proxy may refuse them, but must not fail. */
const OVERLONG = [
  `maxwellsdaemon=${"x".repeat(3_000)}`,
  `maxwellsdaemon=0.${"1".repeat(6_000)}`,
  `${"a=b; ".repeat(1_200)}maxwellsdaemon=x`,
];

export const hostile: Check = {
  id: "hostile",
  title: "garbage, doubled and overlong cookies cause no error and move no visitor",
  skip: withoutAssignment,
  follows: CAUSES,

  async run(subject, signal) {
    const site = siteOf(subject);
    const arcs = await subject.daemon.arcs();
    const sent = [...GARBAGE, ...OVERLONG];
    const visits = await site.visitAll(
      sent.map((cookie) => ({ cookie })),
      signal,
    );
    const problems: string[] = [];
    visits.forEach((visit, index) => {
      const cookie = shown(sent[index] ?? "");
      const isOverlong = index >= GARBAGE.length;
      const isError = visit.status === 0 || visit.status >= 500 || !(isOverlong || site.isServed(visit));
      if (isError) problems.push(`${outcome(visit)} for ${cookie}`);
      else if (arcs !== undefined && isMisplaced(visit, arcs)) {
        problems.push(`${visit.version} for ${cookie}, which is not in its arc`);
      }
    });
    if (site.tells) problems.push(...(await moving(subject, sent, visits, signal)));
    if (arcs !== undefined && site.tells) problems.push(...(await doubled(subject, arcs, signal)));

    const evidence = { cookies: sent.length, problems: problems.slice(0, NAMED_MAX) };
    if (problems.length === 0)
      return pass(`all visitors were served, with ${sent.length} cookies that no proxy sets`, evidence);
    return fail(
      problems.slice(0, NAMED_MAX).join("; "),
      "visitors can send any cookie: make the proxy treat them as new unless it is a number from 0 to less than 1",
      evidence,
    );
  },
};

/**
 * Whether a visitor got a wrong version. An unreadable cookie makes the visitor a new one, which belongs to
 * master or to the version of its new assignment.
 */
function isMisplaced({ version, cookies: [given] }: Visit, arcs: readonly ServedArc[]): boolean {
  if (version === undefined || version === MASTER) return false;
  return given !== undefined && locationOf(arcs, cookieValue(given)) !== version;
}

/**
 * Finds visitors that got no new cookie, and get another version when they return. A cookie that is a number
 * may stay as it is. Returns one sentence for each.
 */
async function moving(
  subject: Subject,
  sent: readonly string[],
  first: readonly Visit[],
  signal: AbortSignal,
): Promise<string[]> {
  const uncookied = sent.filter((cookie, index) => isUncookied(first[index]) && !isNumber(cookie));
  const back = uncookied.flatMap((cookie) => Array.from({ length: RETURNS }, () => ({ cookie })));
  const visits = await siteOf(subject).visitAll(back, signal);
  return uncookied.flatMap((cookie) => {
    const own = [first[sent.indexOf(cookie)], ...visits.filter((_, index) => back[index]?.cookie === cookie)];
    const versions = new Set(own.filter(isUncookied).map((visit) => visit?.version));
    return versions.size > 1
      ? [`${[...versions].join(" and ")} in turn for ${shown(cookie)}, without a new cookie`]
      : [];
  });
}

function isUncookied(visit: Visit | undefined): boolean {
  return visit?.version !== undefined && visit.cookies.length === 0;
}

function isNumber(cookie: string): boolean {
  return !Number.isNaN(assignmentOfText(cookieValue(cookie)));
}

/** Finds a proxy that does not always choose the same one of two cookies. Returns a sentence, or nothing. */
async function doubled(subject: Subject, arcs: readonly ServedArc[], signal: AbortSignal): Promise<string[]> {
  const site = siteOf(subject);
  const { random } = subject.options;
  const [canary] = arcs.flatMap(({ version }) => pointsAt(arcs, version, 1, random));
  const [master] = pointsAt(arcs, MASTER, 1, random);
  if (canary === undefined || master === undefined) return [];
  const cookie = `maxwellsdaemon=${canary}; maxwellsdaemon=${master}`;
  const visits = await site.visitAll(
    Array.from({ length: REPEATS }, () => ({ cookie })),
    signal,
  );
  const versions = new Set(visits.map(({ version }) => version));
  if (visits.some((visit) => !site.isServed(visit))) return ["two cookies cause an error"];
  return versions.size > 1
    ? ["if there are two cookies, sometimes the first one counts and sometimes the second"]
    : [];
}

function shown(cookie: string): string {
  const plain = JSON.stringify(cookie).slice(1, -1);
  return plain.length > SHOWN_LENGTH_MAX ? `${plain.slice(0, SHOWN_LENGTH_MAX)}…` : plain;
}
