/**
 * Ten thousand saved snapshots. At its end a daemon has a second to look at all files, so this test has the
 * machine alone.
 */

import { expect, test } from "bun:test";
import { mkdtempSync, readdirSync, rmSync } from "node:fs";
import { readFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { silentLog } from "../../src/log/log.ts";
import { LastGoodSnapshots } from "../../src/saved/last-good.ts";
import "../support/alone.ts";

/**
 * The daemon looks at each file in the background, and no event says that it is done. It does less work than
 * this.
 */
async function readAllTwice(path: string): Promise<void> {
  for (const name of [...readdirSync(path), ...readdirSync(path)]) await readFile(join(path, name), "utf8");
}

test("the second read of ten thousand applications is one small write", async () => {
  const directory = mkdtempSync(join(tmpdir(), "last-good-"));
  let nowMs = Date.parse("2026-01-02T12:00:00Z");
  const open = () =>
    new LastGoodSnapshots({
      ...{ stateDirectory: directory, store: "file:/here", log: silentLog, unhealthyMs: 8_000 },
      ...{ application: "app0", now: () => nowMs },
    });
  const names = Array.from({ length: 10_000 }, (_, index) => `app${index}`);
  const reading = (application: string) => ({
    ...{ application, arcs: [], malformed: new Set<string>(), snapshot: new Map(), ageMs: 0, isSame: false },
  });
  const snapshots = open();
  for (const application of names) snapshots.save(reading(application));
  while (readdirSync(join(directory, "snapshot")).length < names.length) await Bun.sleep(50);
  await snapshots.close();
  nowMs += 60_000;
  const again = open();
  for (const application of names) again.save(reading(application));
  await readAllTwice(join(directory, "snapshot"));
  await again.close();
  nowMs += 1_000;
  const last = open();
  for (const application of ["app0", "app9999"]) {
    expect(await last.load(application)).toEqual({ arcs: [], ageMs: 1_000 });
  }
  rmSync(directory, { recursive: true });
}, 60_000);
