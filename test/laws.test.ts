/**
 * The laws of this daemon: nine of the data plane, and eight of releases. Each has tests that fail if the law
 * is broken. This file is their index; the tests are beside the code that they test. Tests that belong to no
 * single part are below.
 */

import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { covers } from "../src/circle.ts";
import { createDaemon, type Daemon } from "../src/daemon/daemon.ts";
import { HttpServer } from "../src/servers/http.ts";
import { LineServer } from "../src/servers/line.ts";
import { createCore } from "./support/core.ts";
import { HttpClient } from "./support/http.ts";
import { LineClient } from "./support/line.ts";
import { KeptLog } from "./support/logged.ts";
import { Random } from "./support/random.ts";
import { settingsOf } from "./support/settings.ts";
import { stateOf } from "./support/state.ts";

interface Law {
  readonly says: string;
  /** Names of tests, or beginnings of names, by file. */
  readonly tests: Readonly<Record<string, readonly string[]>>;
}

/** In the order of their numbers. */
const LAWS: readonly Law[] = [
  {
    says: "A request never waits for a store, a monitor, a log or a disk.",
    tests: {
      "laws.test.ts": ["law 1: "],
      "daemon/process.test.ts": ["law 1: "],
      "log/sink.test.ts": ["takes no time from the code that logs"],
    },
  },
  {
    says: "Only the feed writes the rollout table.",
    tests: { "feed/feed.test.ts": ["law 2: the rollout table has one writer"] },
  },
  {
    says: "When in doubt, master.",
    tests: {
      "records/check.test.ts": ["law 3: a malformed record is rollout 0 and says so"],
      "feed/feed.test.ts": [
        "law 3: when in doubt, master",
        "an arc with failsafe hold survives a stale snapshot",
      ],
      "rollout.test.ts": [
        "law 3: all are 0 from the millisecond at which",
        "law 3: if the store is lost, versions that hold",
      ],
      "integration/conformance/hold.ts": [
        "a version that holds keeps its visitors while the store and master's servers are gone",
      ],
      "servers/server-suite.ts": ["LP-20, law 3: before the first read"],
    },
  },
  {
    says: "The daemon is gone, hung or slow: the proxy serves master, and no visitor sees an error.",
    tests: {
      "integration/conformance/outages.ts": [
        "if the daemon is killed",
        "if the daemon hangs",
        "100 000 requests while the daemon is killed, hung, slow and restarted",
      ],
      "client/real-daemon.test.ts": [
        "law 4: killed and restarted under load",
        "law 4: stopped in the middle",
      ],
      "middleware/frameworks.test.ts": ["law 4: a daemon that hangs or is killed"],
    },
  },
  {
    says: "No input crashes it, stalls it, or makes its memory grow without bound.",
    tests: {
      "servers/line/codec.test.ts": ["LP-1, law 5: each of a million random lines"],
      "servers/line/questions.test.ts": ["law 5: no answer is longer than its limit"],
      "stream/crowd.test.ts": ["a flood on one listener leaves the others their own"],
      "admin/admin.test.ts": ["law 5: holds 32 connections", "law 5: takes heads of 8 kB"],
      "faults/hoarders.test.ts": ["costs no other client its connection", "loses its place two seconds"],
      "faults/greedy.test.ts": ["cost other clients of HTTP little"],
      "text/header-field.test.ts": ["law 5: a run of spaces in a field"],
      "alerts/abort-releases.test.ts": ["law 5: if the store hangs"],
      "feed/feed.test.ts": ["law 5: no store stalls the feed"],
      "placement.test.ts": ["law 5: versions without end"],
      "log/log.test.ts": ["law 5: complaints without end"],
    },
  },
  {
    says: "A monitor or a log that is slow, absent or failing changes no answer and ends no process.",
    tests: {
      "log/sink.test.ts": [
        "law 6: a pipe that stays full",
        "writing throws no error, and the next line that can be written",
      ],
      "saved/maintenance.test.ts": ["law 6: a disk that refuses"],
      "saved/last-good.test.ts": ["law 6: to a disk that refuses"],
      "faults/statsd.test.ts": ["law 6: "],
      "faults/otlp.test.ts": ["law 6: "],
    },
  },
  {
    says: "Ready means that a snapshot has been applied, not that one was asked for.",
    tests: { "feed/feed.test.ts": ["law 7: ready"] },
  },
  {
    says: "Maintenance mode changes on fresh data only.",
    tests: {
      "saved/maintenance.test.ts": ["law 8: it changes on fresh data only"],
      "laws.test.ts": ["law 8: "],
    },
  },
  {
    says: "Two daemons in one process, or on one machine, work: nothing is global.",
    tests: {
      "daemon/daemon.test.ts": ["law 9: two daemons in one process"],
      "feed/feed.test.ts": ["law 9: two feeds in one process"],
    },
  },
  {
    says: "Down never waits: an abort needs no wait, approval, window or majority.",
    tests: {
      "releases/machine.test.ts": ["law 10: down never waits", "law 10: abort is at once"],
      "releases/walk.test.ts": ["laws 10 to 15 hold after each"],
      "verbs/carry-out.test.ts": ["law 10: an abort waits a second at most for a clock"],
      "controller/override.test.ts": ["law 10: waits for no freeze, no clock and no other release"],
    },
  },
  {
    says: "A person's write wins: rollout 0 aborts, any other foreign write pauses, resume never raises.",
    tests: {
      "releases/machine.test.ts": ["law 11: from %s", "law 11: resume never raises"],
      "controller/controller.test.ts": ["law 11: what a person wrote wins"],
      "records/beside-release.test.ts": ["law 11: a person's rollout"],
    },
  },
  {
    says: "Silence is not health: ok is never given without fresh evidence of this step.",
    tests: {
      "releases/due.test.ts": ["law 12: evidence of the last 30 s"],
      "controller/controller.test.ts": ["law 12: does not go on with ok"],
      "evidence/release-judge.test.ts": ["law 12: silence is not health, and visitors"],
      "faults/reports.test.ts": ["law 12: if reports stop in the middle"],
    },
  },
  {
    says: "A canary that changes nothing is aborted with at most the promised probability, however often one looks.",
    tests: {
      "judge/promise.test.ts": ["law 13: of 2 000 sound releases"],
      "judge/laws.test.ts": ["law 1 of the judge: fair"],
      "simulation/fleet.test.ts": ["bad canaries are found and sound ones stay"],
    },
  },
  {
    says: "Once: each write is a compare-and-set on the revision that was judged, and verbs that raise are pinned.",
    tests: {
      "releases/machine.test.ts": ["law 14: pins"],
      "verbs/carry-out.test.ts": ["REL-6: a verb", "REL-7: a verb that raises", "REL-8: a verb that lowers"],
      "controller/time.test.ts": ["law 14: calls of the store"],
      "records/write.test.ts": ["law 14: set 0%"],
    },
  },
  {
    says: "Any process may die, any call may be lost: no step is skipped or shortened, and none is stuck silently.",
    tests: {
      "releases/machine.test.ts": ["law 15: no step is skipped"],
      "releases/due.test.ts": ["law 15: a wait is over"],
      "controller/controller.test.ts": ["law 15: each step has its whole wait"],
      "simulation/fleet.test.ts": ["laws 10 to 17 hold in"],
      "integration/releases.test.ts": ["the log is the plan, and no visitor moves against the direction"],
      "faults/verdicts.test.ts": ["law 15: daemons whose clocks are hours off"],
    },
  },
  {
    says: "Evidence is never in a visitor's way: what is too much is dropped and counted.",
    tests: {
      "intake/udp.test.ts": [
        "OUT-19: a turn of the event loop reads for a slice",
        "OUT-19: datagrams for which",
      ],
      "faults/outcomes.test.ts": ["law 16: beside 100 000 outcomes a second", "law 16: bombs of OTLP"],
      "evidence/memory.test.ts": ["have no more than their limit together"],
      "stores/evidence-suite.ts": ["REL-18: an append wakes no feed, changes no snapshot"],
      "controller/presence.test.ts": ["keeps news that the store refuses"],
    },
  },
  {
    says: "The store may go back: an end is written again, and any other record is paused, never advanced.",
    tests: {
      "controller/went-back.test.ts": ["law 17: a store that goes back"],
      "releases/known.test.ts": ["law 17: "],
    },
  },
];

describe("there are tests of law", () => {
  for (const [index, { says, tests }] of LAWS.entries()) {
    test(`${index + 1}. ${says}`, async () => {
      for (const [file, names] of Object.entries(tests)) {
        const text = await Bun.file(join(import.meta.dir, file)).text();
        for (const name of names) {
          const isTest = text
            .split("\n")
            .some((line) => /^\s*(?:(?:test|describe)[.(]|title: |["`])/.test(line) && line.includes(name));
          expect(isTest, `${file}: ${name}`).toBeTrue();
        }
      }
    });
  }
});

describe("of the whole daemon", () => {
  let directory: string;
  let daemon: Daemon;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "laws-"));
  });

  afterEach(async () => {
    await daemon.close();
    rmSync(directory, { recursive: true });
  });

  /** A daemon on a store with the module text `read`, which can use `state`. */
  async function start(read: string): Promise<LineClient> {
    const module = join(directory, "store.ts");
    writeFileSync(module, `export default () => ({ address: "module:", ${read}, close: async () => {} });`);
    const path = join(directory, "socket");
    const argv = [
      "-socket",
      path,
      "-store",
      module,
      "-state-dir",
      join(directory, "state"),
      "-delay",
      "20ms",
    ];
    daemon = await createDaemon(
      settingsOf(...argv, "-unhealthy", "60ms", "-admin", "127.0.0.1:0", "-statsd", "none"),
      new KeptLog(),
    );
    await daemon.start();
    return LineClient.connect({ path });
  }

  test("law 1: with a store that never answers, every request is answered at once", async () => {
    const client = await start("read: () => new Promise(() => {})");
    const delaysMs: number[] = [];
    for (let i = 0; i < 200; i++) {
      const askedAtMs = performance.now();
      expect((await client.ask("0.1")).location).toBe("master");
      delaysMs.push(performance.now() - askedAtMs);
    }
    client.close();
    delaysMs.sort((a, b) => a - b);
    expect(delaysMs[100]).toBeLessThan(20);
  });

  test("law 8: maintenance does not change while the store is lost or answers nonsense, and ends with a fresh reading", async () => {
    const record = join(directory, "record.json");
    writeFileSync(record, "1");
    const value = `JSON.parse(await Bun.file(${JSON.stringify(record)}).text())`;
    const client = await start(
      `read: async () => new Map([["maintenance", { value: ${value}, revision: "1" }]])`,
    );
    client.close();
    const isOn = () => Bun.file(join(directory, "state", "maintenance", "app")).exists();
    const reads = async () => (await stateOf(daemon)).applications[0]?.reads ?? { success: 0, failure: 0 };
    const after = async (kind: "success" | "failure") => {
      const until = (await reads())[kind] + 3;
      while ((await reads())[kind] < until) await Bun.sleep(2);
    };
    while (!(await isOn())) await Bun.sleep(2);
    rmSync(record);
    await after("failure");
    while ((await stateOf(daemon)).applications[0]?.fresh !== false) await Bun.sleep(2);
    expect(await isOn()).toBeTrue();
    writeFileSync(record, '"nonsense"');
    await after("success");
    expect(await isOn()).toBeTrue();
    writeFileSync(record, "0");
    while (await isOn()) await Bun.sleep(2);
  });
});

test("sticky: the same assignment gets the same location from the same arcs over every protocol", async () => {
  const core = createCore();
  const address = { kind: "tcp", host: "127.0.0.1", port: 0 } as const;
  const options = { address, socketMode: 0o666, idleTimeoutMs: 60_000 };
  const servers = [new LineServer(core, options), new HttpServer(core, options)] as const;
  for (const server of servers) await server.start();
  const [line, http] = [
    await LineClient.connect({ host: "127.0.0.1", port: servers[0].port ?? 0 }),
    await HttpClient.connect({ host: "127.0.0.1", port: servers[1].port ?? 0 }),
  ];
  const random = new Random();
  for (let release = 0; release < 20; release++) {
    const [offset, rollout] = [random.fraction(), random.pick([random.fraction(), 0, 1])];
    core.apply("app", { rollout, offset });
    for (let visitor = 0; visitor < 20; visitor++) {
      const assignment = String(random.fraction());
      const overLine = await line.ask(assignment);
      const { headers } = await http.ask("GET", "/decide", { maxwellsdaemon: assignment });
      expect(overLine, `SEED=${random.seed}`).toEqual({
        assignment: headers.get("maxwellsdaemon") ?? "",
        location: headers.get("maxwellsdaemon-location") ?? "",
      });
      expect(overLine.location).toBe(covers(offset, rollout, Number(assignment)) ? "canary" : "master");
    }
  }
  line.close();
  http.close();
  for (const server of servers) await server.close();
});
