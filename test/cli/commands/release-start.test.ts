/** `release` that starts, through the real command line. */

import { describe, expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { newsLine } from "../../../src/evidence/news-lines.ts";
import { readRelease } from "../../../src/releases/read-release.ts";
import type { Release } from "../../../src/releases/release.ts";
import { freezeFields } from "../../../src/verbs/freeze.ts";
import { BEGAN_MS, OTHER_KEY, releaseOf } from "../../releases/world.ts";
import { releaseFile } from "../release-file.ts";
import { World } from "../release-world.ts";
import { run, temporaryDirectory } from "../run.ts";

const START = ["release", "canary", "default", "-of", "v42"] as const;

/** A store without a release. */
async function world(
  versions: Readonly<Record<string, Record<string, unknown>>> = { canary: { rollout: 0 } },
) {
  const made = await World.make(null);
  for (const [version, fields] of Object.entries(versions)) made.store.put("app", version, fields);
  return made;
}

function releaseIn({ store }: World, version = "canary"): Release {
  const found = readRelease(store.value("app", version)?.["release"]);
  if (found.kind !== "release") throw new Error(JSON.stringify(found));
  return found.release;
}

/** Daemons that lead each release that begins. */
function lead({ store }: World, ...names: readonly string[]): void {
  store.before = (application, _, { release }) => {
    const { key, seq } = release as Release;
    const lines = names.map((name) => newsLine({ kind: "presence", name, beat: 1, atMs: BEGAN_MS, seq }));
    void store.evidence.append({ application, key }, lines, AbortSignal.timeout(1_000));
    return undefined;
  };
}

describe("release starts", () => {
  test("with the first step of the plan, and says what will be, the way back, and which daemons lead it", async () => {
    using at = await world();
    lead(at, "web-2", "web-1");
    const { status, stdout, stderr } = await at.run(...START, "-m", "new checkout");
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toBe(
      [
        "release 1 of app: v42 by plan default, 5 steps, 2h40m at least, then 1 day of watching",
        "  step 1/5: canary 0% → 1% for 10m        to take everyone back: maxwells-daemon abort -application app",
        "  master's servers keep what they run until the promotion, because they take everyone back;",
        "  then deploy v42 there too, and say so: maxwells-daemon finish -deployed v42 -application app",
        "  the judge takes a bad canary back; its ok for step 2 needs about 4 300 visitors of both versions",
        "  whose outcomes the proxies report, and more if some of them meet errors",
        "  led by web-1, web-2",
        "",
      ].join("\n"),
    );
    const release = releaseIn(at);
    expect(release).toMatchObject({
      ...{ id: 1, of: "v42", state: "running", step: 1, seq: 1, reason: "new checkout" },
      plan: "1%:10m,5%:30m+ok,25%:1h+ok,50%:1h+ok,100%:1d",
      inconclusive: "pause",
    });
    const [rollout, offset] = release.wrote;
    expect(rollout).toBe(0.01);
    expect(offset * 1_000).toBe(Math.round(offset * 1_000));
    expect(at.store.value("app", "canary")).toMatchObject({ rollout, offset, why: "new checkout" });
    expect(release.key).toMatch(/^[0-9a-f]{24}$/);
  });

  test("with all that a named plan of the file says", async () => {
    using at = await world();
    using directory = temporaryDirectory();
    const config = directory.path("md.toml");
    writeFileSync(
      config,
      `[plans.checkout]
       steps = ["10%:1h", "100%:2d"]
       inconclusive = "abort"
       windows = ["mon-thu 09:00-16:00 Europe/Berlin"]
       slow = ["400ms", "1s"]
       failsafe = "hold"
       offset = 0.125
      `,
    );
    const { status, stdout } = await at.run(
      "release",
      "canary",
      "checkout",
      "-of",
      "v42",
      "-unattended",
      "-config",
      config,
    );
    expect(status).toBe(0);
    expect(stdout).toStartWith(
      "release 1 of app: v42 by plan checkout, 2 steps, 1h at least, then 2 days of watching\n",
    );
    expect(releaseIn(at)).toMatchObject({
      ...{ plan: "10%:1h,100%:2d", inconclusive: "abort", failsafe: "hold", slow: ["400ms", "1s"] },
      ...{ windows: ["mon-thu 09:00-16:00 Europe/Berlin"], wrote: [0.1, 0.125] },
    });
  });

  test("by a plan without a name, and of the version canary if none is named", async () => {
    using at = await world();
    const { status, stdout } = await at.run("release", "-of", "v42", "-unattended");
    expect([status, releaseIn(at).of]).toEqual([0, "v42"]);
    expect(stdout).toContain("none was waited for (-unattended)");
    await at.run("abort");
    const next = await at.run("release", "canary", "5%,100%:36h", "-of", "v43", "-unattended");
    expect(next.stdout.split("\n").slice(0, 2)).toEqual([
      "release 2 of app: v43 by the plan 5%:approve,100%:1d12h, 2 steps, then 1d12h of watching",
      "  step 1/2: canary 0% → 5% until a person promotes it        to take everyone back: maxwells-daemon abort -application app",
    ]);
  });

  test("and gives its JSON to a program", async () => {
    using at = await world();
    lead(at, "web-1");
    const { status, stdout } = await at.run(...START, "-o", "json");
    expect(status).toBe(0);
    expect(JSON.parse(stdout)).toMatchObject({
      ...{ written: true, code: "started", application: "app", version: "canary", leaders: ["web-1"] },
      ...{ isLed: true, exit: 0, rollout: { before: 0, after: 0.01 }, release: { id: 1, of: "v42" } },
    });
  });

  test("while all releases are frozen, and says that it stays", async () => {
    using at = await world();
    at.store.put("~releases", "freeze", freezeFields(true, "ada@web-1", new Date(), "Friday"));
    const { status, stderr } = await at.run(...START, "-unattended");
    expect(status).toBe(0);
    expect(stderr).toBe(
      "maxwells-daemon: all releases are frozen by ada@web-1: Friday; it stays at its first step until that ends\n",
    );
  });

  test("on a store that does not show its daemons, and says so", async () => {
    using at = await world();
    Object.assign(at.store, { evidence: undefined });
    const { status, stdout } = await at.run(...START);
    expect(status).toBe(0);
    expect(stdout).toContain("this store does not show which daemons lead it");
  });

  test("with a number that no other release has got meanwhile", async () => {
    using at = await world();
    const read = at.store.read.bind(at.store);
    at.store.read = async (...words) => {
      const snapshot = await read(...words);
      const aborted = { state: "aborted", wrote: [0, 0], id: 4 } as const;
      if (at.store.calls.read === 1) at.put(releaseOf(aborted), {}, "blue");
      return snapshot;
    };
    expect((await at.run(...START, "-unattended")).stdout).toStartWith("release 5 of app: v42");
    expect(releaseIn(at).id).toBe(5);
  });

  test("and waits for its fate, by its own key", async () => {
    using at = await world();
    lead(at, "web-1");
    const waiting = at.run(...START, "-wait", "-timeout", "1m");
    await at.looked();
    await at.looked();
    at.store.before = undefined;
    expect((await at.run("abort", "-m", "INC-42")).status).toBe(0);
    const { status, stdout } = await waiting;
    expect(status).toBe(9);
    expect(stdout).toEndWith(
      "  led by web-1\nrelease 1 of app aborted at step 1/5: canary 1% → 0%: INC-42\n",
    );
  });
});

test("a release that is replaced before it can be followed ends with 7", async () => {
  using at = await world();
  const read = at.store.read.bind(at.store);
  at.store.read = (...words) => {
    // The first look, the look of the writer, and then the look for a release that meets it.
    if (at.store.calls.write === 1) {
      at.store.calls.write++;
      at.put(releaseOf());
    }
    return read(...words);
  };
  const { status, stderr } = await at.run(...START, "-unattended", "-wait");
  expect([status, stderr]).toEqual([
    7,
    "maxwells-daemon: the release of canary of app was replaced at once\n",
  ]);
});

describe("release -replace", () => {
  test("takes the place of a release that goes on, with a new key and new visitors", async () => {
    using at = await World.make();
    const refused = await at.run(...START, "-unattended");
    expect(refused).toMatchObject({ status: 1, stdout: "" });
    expect(refused.stderr).toContain(
      "release 7 of app is running, at step 2/4, canary at 5%; nothing was written",
    );
    expect(refused.stderr).toContain("add -replace");
    const { status, stdout } = await at.run("release", "canary", "-of", "v43", "-replace", "-unattended");
    expect(status).toBe(0);
    expect(stdout).toContain("release 8 of app: v43 by plan default");
    expect(stdout).toContain("step 1/5: canary 5% → 1% for 10m");
    expect(releaseIn(at)).toMatchObject({ id: 8, step: 1, seq: 5, wrote: [0.01, expect.any(Number)] });
  });

  test("does not replace a release that its writer has not seen", async () => {
    using at = await World.make();
    const read = at.store.read.bind(at.store);
    at.store.read = async (...words) => {
      const snapshot = await read(...words);
      // After the first look, another person replaces the release.
      if (at.store.calls.read === 1) at.put(releaseOf({ id: 8, of: "v43", key: OTHER_KEY, seq: 9 }));
      return snapshot;
    };
    const { status, stderr } = await at.run(...START, "-unattended", "-replace");
    expect(status).toBe(4);
    expect(stderr).toContain(
      "release 8 of app took the place of the release that was meant; nothing was written",
    );
    expect(releaseIn(at)).toMatchObject({ id: 8, of: "v43" });
  });

  test("is needed for a rollout without a release", async () => {
    using at = await world({ canary: { rollout: 0.25 } });
    const refused = await at.run(...START, "-unattended");
    expect([refused.status, refused.stdout]).toEqual([1, ""]);
    expect(refused.stderr).toContain("canary of app is at 25% without a release");
    expect((await at.run(...START, "-unattended", "-replace")).status).toBe(0);
  });

  test("never takes the place of a promoted release", async () => {
    using at = await World.make(releaseOf({ state: "promoted", step: 4, wrote: [1, 0.25] }));
    const { status, stderr } = await at.run(...START, "-unattended", "-replace");
    expect(status).toBe(1);
    expect(stderr).toContain("it must be finished or undone before another release begins");
  });
});

describe("two releases that begin at once", () => {
  test("of one version: the second writer writes nothing", async () => {
    using at = await world();
    const both = await Promise.all([
      at.run(...START, "-unattended"),
      at.run("release", "-of", "v43", "-unattended"),
    ]);
    expect(both.map(({ status }) => status).sort()).toEqual([0, 4]);
    expect(both.find(({ status }) => status === 4)?.stderr).toContain("another writer was first");
  });

  test.each([1, 2, 3, 4, 5, 6])("of two versions: one at most goes on (%#)", async () => {
    using at = await world({ canary: { rollout: 0 }, blue: { rollout: 0 } });
    const both = await Promise.all([
      at.run(...START, "-unattended"),
      at.run("release", "blue", "-of", "v43", "-unattended"),
    ]);
    const versions = ["canary", "blue"];
    const states = versions.map((version) => releaseIn(at, version).state).sort();
    expect(states).toEqual(["aborted", "running"]);
    expect(both.map(({ status }) => status).sort()).toEqual([0, 4]);
    const loser = both.findIndex(({ status }) => status === 4);
    expect(both[loser]?.stderr).toContain("so this one was aborted: its visitors are at master again");
    expect(at.store.value("app", versions[loser] ?? "")).toMatchObject({ rollout: 0 });
  });
});

describe("release refuses", () => {
  test("all at once what is wrong with the words", async () => {
    using at = await world();
    const { status, stdout, stderr } = await at.run("release", "maintenance", "1%:banana,0.05%", "-m", "x");
    expect({ status, stdout }).toEqual({ status: 2, stdout: "" });
    expect(stderr.split("\n").map((line) => line.trim().replace(/[;,:(].*/, ""))).toEqual([
      "maxwells-daemon",
      "plan",
      "plan",
      "plan",
      "maintenance is a switch",
      "the name of the software is missing",
      "read maxwells-daemon help release",
      "",
    ]);
    expect(at.store.calls.write).toBe(0);
  });

  test("a plan that Traefik cannot serve, if the settings have Traefik", async () => {
    using at = await world();
    const { status, stderr } = await at.run(...START, "-traefik", "127.0.0.1:6296");
    expect(status).toBe(2);
    expect(stderr).toContain("Traefik (-traefik) divides visitors in slices, which cannot be judged");
  });

  test("a name that is not there, unless with -new", async () => {
    using at = await world();
    const version = await at.run("release", "canry", "-of", "v42", "-unattended");
    expect(version.status).toBe(1);
    expect(version.stderr).toContain("app has no version canry; did you mean canary?");
    const application = await at.run(...START, "-application", "ap");
    expect(application.stderr).toContain("has no records of ap");
    expect((await at.run("release", "blue", "-of", "v42", "-unattended", "-new")).status).toBe(0);
  });

  test("a second version that has visitors", async () => {
    using at = await world({ canary: { rollout: 0 }, blue: { rollout: 0.1 } });
    const { status, stderr } = await at.run(...START);
    expect(status).toBe(1);
    expect(stderr).toContain("blue of app has visitors or a release too");
  });

  test("a store that cannot be written, and a plan that is not there", async () => {
    const readOnly = await run([...START, "-new", "-store", "constant:0"]);
    expect([readOnly.status, readOnly.stdout]).toEqual([1, ""]);
    expect(readOnly.stderr).toContain("is read-only; nothing was written");
    const unknown = await run(["release", "canary", "defalt", "-of", "v42", "-store", "redis://127.0.0.1:1"]);
    expect(unknown.status).toBe(2);
    expect(unknown.stderr).toContain("no plan has this name; did you mean default?");
  });

  test("to follow a start that is dry", async () => {
    const { status, stderr } = await run([...START, "-dry-run", "-watch", "-store", "constant:0"]);
    expect(status).toBe(2);
    expect(stderr).toContain("-dry-run starts nothing that one could follow");
  });
});

describe("release -dry-run", () => {
  test("shows the timetable and the settings, and writes nothing", async () => {
    using file = releaseFile({ canary: 0 });
    const before = file.text();
    const { status, stdout, stderr } = await file.run(...START, "-dry-run");
    expect({ status, stderr }).toEqual({ status: 0, stderr: "" });
    expect(stdout).toStartWith("this would start:\nrelease 1 of app: v42 by plan default, 5 steps");
    expect(stdout).toMatch(/^ {2}2 +5% +\S+Z +\S+Z +30m, and ok$/m);
    expect(stdout).toContain("offset        drawn at random by each start");
    expect(stdout).toEndWith("nothing was written, because of -dry-run\n");
    expect(file.text()).toBe(before);
  });

  test("shows what is refused as well, with the status of the start", async () => {
    using at = await World.make();
    const { status, stdout, stderr } = await at.run(...START, "-dry-run");
    expect(status).toBe(1);
    expect(stdout).toStartWith("this would start:\nrelease 8 of app");
    expect(stderr).toContain("release 7 of app is running");
    const json = await at.run(...START, "-dry-run", "-replace", "-o", "json");
    expect(json.status).toBe(0);
    expect(JSON.parse(json.stdout)).toMatchObject({
      ...{ written: false, id: 8, of: "v42", before: 0.05, problem: null, offset: "random" },
      steps: [{ rollout: 0.01 }, {}, {}, {}, { rollout: 1 }],
    });
    expect(at.store.calls.write).toBe(0);
  });
});

test("completions know the versions, the plans and the flags", async () => {
  using file = releaseFile({ canary: 0, blue: 0 });
  using directory = temporaryDirectory();
  const config = directory.path("md.toml");
  writeFileSync(config, `store = "${file.address}"\n[plans.checkout]\nsteps = ["10%:1h", "100%:2d"]\n`);
  const words = async (...line: string[]) =>
    (await run(["__complete", "fish", "release", "-config", config, ...line])).stdout.split("\n");
  expect(await words("")).toContain("blue");
  expect(await words("canary", "")).toContain("checkout\t10%:1h,100%:2d");
  expect(await words("canary", "def")).toEqual([expect.stringMatching(/^default\t1%/), ""]);
  expect((await words("canary", "checkout", "-un"))[0]).toStartWith("-unattended\t");
});
