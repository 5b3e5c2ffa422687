/** Headers of visitors are not believed. Visitors can force their location only if that is allowed. */

import { CANARY, MASTER } from "../../circle.ts";
import type { Check } from "../check.ts";
import { fail, pass, skipped } from "../finding.ts";
import { pointsAt } from "../site/probe-points.ts";
import { cookieValue, type Probe } from "../site/site.ts";
import { CAUSES, type Subject, siteOf, withoutVersion } from "../subject.ts";

/** Visitors of each location that lie. */
const LIARS_MAX = 3;

/** A visitor that belongs to `at`, and what would bring it to `to`. */
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
        `visitors choose their version by a header: ${what.join(", ")}`,
        "the proxy has to replace what visitors send under the names maxwellsdaemon and maxwellsdaemon-location",
        evidence,
      );
    }
    return pass(`${lies.length} visitors lied, and none was moved`, evidence);
  },
};

export const force: Check = {
  id: "force",
  title: "no visitor forces a location, or testers do if -allow-force is given",
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
    // Not every proxy can force a version without visitors. If forcing is allowed, only versions with visitors
    // are tried.
    const tried = allowForce
      ? lies.filter(({ to }) => to === MASTER || arcs.some(({ version }) => version === to))
      : lies;
    if (tried.length === 0) return skipped("no version is rolled out that could be forced");
    const moved = await movedBy(tried, subject, signal);
    const evidence = { allowForce, visitors: tried.length, moved: moved.length };
    if (!allowForce && moved.length > 0) {
      return fail(
        `${moved.length} of ${tried.length} visitors forced their location (${moved[0]?.what})`,
        "if that is meant, run doctor with -allow-force; else turn it off in the proxy and start the daemon without -allow-force",
        evidence,
      );
    }
    if (allowForce && moved.length < tried.length) {
      const failed = tried.find((lie) => !moved.includes(lie));
      return fail(
        `${tried.length - moved.length} of ${tried.length} testers could not force their location (${failed?.what})`,
        "the daemon needs -allow-force, and the proxy has a switch of its own: turn both on",
        evidence,
      );
    }
    return pass(
      allowForce
        ? `${moved.length} testers forced their location`
        : `${tried.length} visitors tried, and none was moved`,
      evidence,
    );
  },
};

interface Stranger {
  readonly assignment: string;
  readonly at: string;
  readonly to: string;
  /** An assignment that belongs to `to`, or would if anybody did. */
  readonly pointThere: string;
}

/** Visitors of master that would rather be at the canary, and visitors of versions that would rather be at master. */
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

/** The lies that worked. */
async function movedBy(lies: readonly Lie[], subject: Subject, signal: AbortSignal): Promise<Lie[]> {
  const visits = await siteOf(subject).visitAll(
    lies.map(({ probe }) => probe),
    signal,
  );
  return lies.filter(({ to }, index) => visits[index]?.version === to);
}

/** Whether a new visitor may choose its assignment by a header. */
async function believedAssignment(subject: Subject): Promise<string[]> {
  const assignment = "0.123456789012345";
  const { cookies } = await siteOf(subject).visit({ headers: [["maxwellsdaemon", assignment]] });
  return cookies.some((cookie) => cookieValue(cookie) === assignment)
    ? [`maxwellsdaemon: ${assignment}`]
    : [];
}
