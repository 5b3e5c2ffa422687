/** Headers that visitors forge move no visitor. Visitors can force their location only if that is allowed. */

import { CANARY, MASTER } from "../../circle.ts";
import type { Check } from "../check.ts";
import { fail, pass, skipped } from "../finding.ts";
import { pointsAt } from "../site/probe-points.ts";
import { cookieValue, type Probe } from "../site/site.ts";
import { CAUSES, type Subject, siteOf, withoutVersion } from "../subject.ts";

/** Visitors of each location that send forged headers. */
const LIARS_MAX = 3;

/** A visitor that belongs to `at`, and a request that must not bring it to `to`. */
interface Lie {
  readonly at: string;
  readonly to: string;
  readonly what: string;
  readonly probe: Probe;
}

export const forged: Check = {
  id: "forged",
  title: "headers that visitors forge move no visitor",
  skip: withoutVersion,
  follows: CAUSES,
  isRepeated: true,

  async run(subject, signal) {
    const lies = (await strangers(subject)).flatMap(({ assignment, at, to, pointThere }): Lie[] =>
      (
        [
          ["maxwellsdaemon-location", to],
          ["Maxwellsdaemon-Location", to],
          ["maxwellsdaemon", pointThere],
          ["maxwellsdaemon-version", to],
        ] as const
      ).map((header) => ({ at, to, what: header.join(": "), probe: { assignment, headers: [header] } })),
    );
    const moved = await movedBy(lies, subject, signal);
    const believed = await believedAssignment(subject);
    const what = [...new Set([...moved.map((lie) => lie.what), ...believed])];
    const evidence = { visitors: lies.length, moved: moved.length, believed: what };
    if (what.length > 0) {
      return fail(
        `visitors can choose their version by a header: ${what.join(", ")}`,
        "make the proxy replace the headers maxwellsdaemon and maxwellsdaemon-location that visitors send",
        evidence,
      );
    }
    return pass(`${lies.length} visitors sent forged headers, and none moved`, evidence);
  },
};

export const force: Check = {
  id: "force",
  title: "no visitor can force a location; with -allow-force, testers can",
  skip: withoutVersion,
  follows: CAUSES,
  isRepeated: true,

  async run(subject, signal) {
    const people = await strangers(subject);
    const words = (to: string) => (to === CANARY ? "always" : to === MASTER ? "never" : to);
    const lies = people.flatMap(({ assignment, at, to }): Lie[] => {
      const word = words(to);
      return [
        { at, to, what: `header ${word}`, probe: { assignment, headers: [["maxwellsdaemon-force", word]] } },
        {
          at,
          to,
          what: `cookie ${word}`,
          probe: { cookie: `maxwellsdaemon=${assignment}; maxwellsdaemon-force=${word}` },
        },
      ];
    });
    const arcs = (await subject.daemon.arcs()) ?? [];
    const { allowForce } = subject.options;
    // Not every proxy can force a version that has no visitors. If forcing is allowed, doctor tries only
    // versions with visitors.
    const tried = allowForce
      ? lies.filter(({ to }) => to === MASTER || arcs.some(({ version }) => version === to))
      : lies;
    if (tried.length === 0) return skipped("no version has a rollout, so no visitor could force one");
    const moved = await movedBy(tried, subject, signal);
    const evidence = { allowForce, visitors: tried.length, moved: moved.length };
    if (!allowForce && moved.length > 0) {
      return fail(
        `${moved.length} of ${tried.length} visitors forced their location (${moved[0]?.what})`,
        "if you allow this, run doctor with -allow-force. If not, turn it off in the proxy, and start the daemon without -allow-force",
        evidence,
      );
    }
    if (allowForce && moved.length < tried.length) {
      const failed = tried.find((lie) => !moved.includes(lie));
      return fail(
        `${tried.length - moved.length} of ${tried.length} testers could not force their location (${failed?.what})`,
        "start the daemon with -allow-force, and turn on the proxy's own switch, too",
        evidence,
      );
    }
    return pass(
      allowForce
        ? `${moved.length} testers forced their location`
        : `${tried.length} visitors tried to force a location, and none moved`,
      evidence,
    );
  },
};

interface Stranger {
  readonly assignment: string;
  readonly at: string;
  readonly to: string;
  /** An assignment that belongs to `to`; 0 if no assignment does. */
  readonly pointThere: string;
}

/**
 * Visitors of master that try to get the canary or another version, and visitors of versions that try to get
 * master.
 */
async function strangers({ daemon, options }: Subject): Promise<Stranger[]> {
  const arcs = (await daemon.arcs()) ?? [];
  const served = [...new Set([CANARY, ...arcs.map(({ version }) => version)])];
  return served.flatMap((version) =>
    [[MASTER, version] as const, [version, MASTER] as const].flatMap(([at, to]) => {
      const [pointThere = "0"] = pointsAt(arcs, to, 1, options.random);
      return pointsAt(arcs, at, LIARS_MAX, options.random).map((assignment) => ({
        assignment,
        at,
        to,
        pointThere,
      }));
    }),
  );
}

/** The lies that moved their visitors. */
async function movedBy(lies: readonly Lie[], subject: Subject, signal: AbortSignal): Promise<Lie[]> {
  const visits = await siteOf(subject).visitAll(
    lies.map(({ probe }) => probe),
    signal,
  );
  return lies.filter(({ to }, index) => visits[index]?.version === to);
}

/** The header by which a new visitor can choose its assignment; empty if there is none. */
async function believedAssignment(subject: Subject): Promise<string[]> {
  const assignment = "0.123456789012345";
  const { cookies } = await siteOf(subject).visit({ headers: [["maxwellsdaemon", assignment]] });
  return cookies.some((cookie) => cookieValue(cookie) === assignment)
    ? [`maxwellsdaemon: ${assignment}`]
    : [];
}
