import { describe, expect, test } from "bun:test";
import { assignmentOfKey } from "../../../src/assignment.ts";
import { Reports } from "../../../src/reports.ts";
import { ANSWER_BYTES_MAX, answerQuestion } from "../../../src/servers/line/questions.ts";
import { ReportBudget } from "../../../src/servers/line/report-budget.ts";
import { type Core, countOf, createCore, UNHEALTHY_MS } from "../../support/core.ts";
import { holds } from "../../support/random.ts";

function createAsker(core: Core, remoteAddress?: string): (line: string) => string | undefined {
  const { handler, rollout, metrics, intake } = core;
  const context = {
    ...{ handler, rollout, intake, reports: metrics.reports, budget: new ReportBudget() },
    decision: handler.emptyDecision(),
  };
  return (line) => answerQuestion(line, context, core.clock(), { peer: "uid=33", remoteAddress });
}

/** The reported counts, by application, location and kind. */
function reported({ metrics }: Core): Record<string, number> {
  return Object.fromEntries(
    Array.from(metrics.reports.values(), ({ application, location, kind, count }) => [
      `${application} ${location} ${kind}`,
      count,
    ]),
  );
}

function createServed(): { core: Core; ask: (line: string) => string | undefined } {
  const core = createCore({ applications: ["app", "web"], allowForce: true });
  core.apply(
    "app",
    { rollout: 0.25 },
    { version: "blue", rollout: 0.1, offset: 0.5 },
    { version: "off", rollout: 0 },
    { version: "maintenance", rollout: 1 },
  );
  return { core, ask: createAsker(core) };
}

describe("LP-25: ?outcome", () => {
  test("answers 1 if the outcome counts, and 0 if it does not", () => {
    const { core, ask } = createServed();
    expect(ask("?outcome web canary 0.42 503 0.027 1 source=192.0.2.7")).toBe("1\n\n");
    expect(ask('?outcome app canary 0.42 200 - - tries="502, 200"')).toBe("1\n\n");
    for (const report of ["shop canary 0.42 200 0.027 1", "web canary - 200 0.027 -", "web", "", "<1>x"]) {
      expect(ask(`?outcome ${report}`), report).toBe("0\n\n");
    }
    expect(ask("?outcome")).toBe("0\n\n");
    const errors = [...core.intake.counts.allHeard()].find(({ class: kind }) => kind === "error");
    expect(errors).toEqual({ source: "line", class: "error", count: 2 });
  });

  test("OUT-18: counts nothing of another machine, and says that it was dropped", () => {
    const core = createCore();
    const report = "?outcome app canary 0.42 503 0.027 1";
    const answers = [
      // A unix socket has no address, and a client that is gone has an empty one.
      undefined,
      "127.0.0.1",
      "::1",
      "::ffff:127.0.0.1",
      "10.1.2.3",
      "::ffff:10.1.2.3",
      "2001:db8::1",
      "",
    ].map((address) => createAsker(core, address)(report));
    expect(answers).toEqual([...Array(4).fill("1\n\n"), ...Array(4).fill("0\n\n")]);
    expect([...core.intake.counts.allDropped()]).toEqual([{ source: "line", reason: "foreign", count: 4 }]);
  });

  test("reads the name of an application as UTF-8", () => {
    const core = createCore({ applications: ["café"] });
    const report = Buffer.from("?outcome café canary 0.42 200 0.027 1").toString("latin1");
    expect(createAsker(core)(report)).toBe("1\n\n");
  });
});

describe("LP-15: ?lease", () => {
  test("answers milliseconds, then the arcs in order of precedence, without those of length 0", () => {
    const [duration, arcs, ...rest] = createServed().ask("?lease")?.split("\n") ?? [];
    expect(Number(duration)).toBeGreaterThan(UNHEALTHY_MS - 1_000);
    expect(Number(duration)).toBeLessThanOrEqual(UNHEALTHY_MS);
    expect(duration).toMatch(/^\d+$/);
    expect(arcs).toBe("canary=0.25@0 blue=0.1@0.5");
    expect(rest).toEqual([""]);
  });

  test("answers 0 and an empty line before the first read", () => {
    expect(createServed().ask("?lease application=web")).toBe("0\n\n");
  });

  test("answers 0 and an empty line when the store is lost, unless a version has failsafe hold", () => {
    const { core, ask } = createServed();
    core.advance(UNHEALTHY_MS);
    expect(ask("?lease")).toBe("0\n\n");
    core.apply("app", { rollout: 0.5, failsafe: "hold" }, { version: "blue", rollout: 1 });
    core.advance(3 * UNHEALTHY_MS);
    expect(ask("?lease")).toBe(`${UNHEALTHY_MS}\ncanary=0.5@0\n`);
  });

  test("answers 0 and an empty line for an application that is not served", () => {
    expect(createServed().ask("?lease application=nobody")).toBe("0\n\n");
  });

  test("spells small numbers so that they read back the same", () => {
    const { core, ask } = createServed();
    core.apply("app", { rollout: 1e-7, offset: 0.1 + 0.2 });
    expect(ask("?lease")).toEndWith("\ncanary=1e-7@0.30000000000000004\n");
  });
});

describe("LP-16: ?served", () => {
  test("adds to the counts, and answers with their sum", () => {
    const { core, ask } = createServed();
    expect(ask("?served canary=120 master=880 failure=3")).toBe("1003\n\n");
    expect(ask("?served canary=1")).toBe("1\n\n");
    expect(reported(core)).toEqual({
      "app canary decided": 121,
      "app master decided": 880,
      "app master failure": 3,
    });
  });

  test("adds to the counts of the named application", () => {
    const { core, ask } = createServed();
    ask("?served application=web master=7");
    expect(reported(core)).toEqual({ "web master decided": 7 });
  });

  test("without counts is answered with 0", () => {
    expect(createServed().ask("?served")).toBe("0\n\n");
  });

  test.each([
    ...[
      "canary=-1",
      "canary=1.5",
      "canary=x",
      "canary=",
      "canary=99999999999",
      "canary=2000000000",
      "nobody=1",
    ],
    ...[
      "maintenance=1",
      "application=nobody master=1",
      "master=1 canary",
      "master=1  canary=1",
      "canary=1e3",
    ],
  ])("%p is malformed, and none of its counts is added", (report) => {
    const { core, ask } = createServed();
    expect(ask(`?served ${report}`)).toBeUndefined();
    expect(reported(core)).toEqual({});
  });

  test("adds nothing to the counts of the daemon's own decisions", () => {
    const { core, ask } = createServed();
    ask("?served canary=1000000");
    expect([...core.metrics.placements.values()].every(({ count }) => count === 0)).toBeTrue();
  });

  test("law 5: a report of more visitors than the time allows is answered with 0, and may be sent again later", () => {
    const { core, ask } = createServed();
    expect(ask("?served canary=1000000000")).toBe("1000000000\n\n");
    for (let i = 0; i < 1_000; i++) expect(ask("?served canary=1000000000")).toBe("0\n\n");
    core.advance(1_000);
    expect(ask("?served canary=1500000")).toBe("0\n\n");
    expect(ask("?served canary=900000")).toBe("900000\n\n");
    core.advance(10_000_000);
    expect(ask("?served canary=1000000000")).toBe("1000000000\n\n");
    expect(reported(core)).toEqual({ "app canary decided": 2_000_900_000 });
  });

  test("law 5: a peer that reports too much takes nothing from others, and the number of budgets is limited", () => {
    const budget = new ReportBudget();
    expect(budget.take("uid=65534", 1e9, 0)).toBeTrue();
    expect(budget.take("uid=65534", 1e9, 1_000)).toBeFalse();
    expect(budget.take("uid=33", 1e9, 1_000)).toBeTrue();
    const taken = Array.from({ length: 1_000 }, (_, uid) => budget.take(`uid=${uid + 1e5}`, 1e9, 1_000));
    expect(taken.filter((isTaken) => isTaken).length).toBeLessThanOrEqual(64);
    expect(budget.take("uid=33", 1e6, 2_001)).toBeTrue();
  });

  test("law 5: versions that come and go do not grow the counts", () => {
    const core = createCore();
    const ask = createAsker(core);
    for (let i = 0; i < 1_000; i++) {
      core.apply("app", { version: `v${i}`, rollout: 0.1 });
      ask(`?served v${i}=1`);
    }
    const reports = [...core.metrics.reports.of("app")];
    expect(reports.length).toBeLessThanOrEqual(Reports.LOCATIONS_MAX + 1);
    expect(reports.reduce((sum, { count }) => sum + count, 0)).toBe(1_000);
    expect(reports.at(-1)).toMatchObject({ location: "other" });
  });
});

describe("LP-17: ?explain", () => {
  test("answers like the request itself, with the reason", () => {
    const { core, ask } = createServed();
    const arcs = "canary=0.25@0 blue=0.1@0.5 maintenance=1@0 off=0@0";
    expect(ask("?explain 0.1")).toBe(`0.1 canary\nreason=rollout application=app ${arcs}\n`);
    expect(ask("?explain 0.7")).toBe(`0.7 master\nreason=outside application=app ${arcs}\n`);
    expect(ask("?explain 0.7 force=canary")).toBe(`0.7 canary\nreason=forced application=app ${arcs}\n`);
    expect(ask("?explain  key=user-1")).toStartWith(`${assignmentOfKey("user-1")} master\n`);
    expect(countOf(core, "rollout")).toBe(1);
  });

  test.each(["?explain", "?explain "])("%p explains a new visitor", (line) => {
    expect(createServed().ask(line)).toMatch(/^[\d.e-]+ (canary|blue|master)\nreason=(rollout|outside) /);
  });

  test.each(["?explain 2", "?explain x", "?explain 0.5 garbage", "?explain 0.5\r", "?explain 0.5 key=a\r"])(
    "%p is explained as invalid",
    (line) => {
      expect(createServed().ask(line)).toMatch(/^[\d.e-]+ master\nreason=invalid /);
    },
  );

  test("names reasons beside a rollout", () => {
    const { ask } = createServed();
    expect(ask("?explain 0.1 application=web")).toBe("0.1 master\nreason=unread application=web\n");
    expect(ask("?explain 0.1 application=nobody")).toStartWith("0.1 master\nreason=unknown-application ");
  });
});

test.each([
  "?",
  "?x",
  "? lease",
  "?LEASE",
  "?lease garbage",
  "?leases",
  "?lease=1",
  "?lease\r",
  "??",
  "?served ",
])("LP-14: %p is not a question", (line) => {
  expect(createServed().ask(line)).toBeUndefined();
});

test("law 5: no answer is longer than its limit, even with the most versions, the longest names and the longest numbers", () => {
  const core = createCore({ applications: ["é".repeat(64)] });
  const number = 2.2250738585072014e-308;
  core.apply(
    "é".repeat(64),
    ...Array.from({ length: 64 }, (_, index) => ({
      version: String(index).padEnd(64, "v"),
      rollout: number,
      offset: number,
    })),
  );
  const ask = createAsker(core);
  for (const line of ["?lease", "?explain 0.5", "?served"]) {
    expect(Buffer.byteLength(ask(line) ?? "")).toBeLessThan(ANSWER_BYTES_MAX);
  }
});

test("LP-14, law 5: whatever follows the question mark, the answer is two lines or none", () => {
  const { ask } = createServed();
  const parts = [
    "lease",
    "served",
    "explain",
    " ",
    " canary=1",
    " application=web",
    "0.5",
    "=",
    "%",
    "\r",
    "é",
    "\0",
    "9",
  ];
  holds(100_000, (random) => {
    let line = "?";
    for (let count = random.whole(0, 6); count > 0; count--) line += random.pick(parts);
    const answer = ask(line);
    if (answer !== undefined && !/^[^\n]+\n[^\n]*\n$/.test(answer))
      throw new Error(JSON.stringify({ line, answer }));
  });
});
