/**
 * A canary that answers 500 to all visitors. The command in each integration's README finds it, in the access
 * log that the real program writes with the shipped files.
 */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { eventually } from "../support/eventually.ts";
import type { Seen } from "../support/upstream.ts";
import type { Visit } from "../support/visitors.ts";
import { INTEGRATIONS } from "./conformance/list.ts";
import { Rig } from "./conformance/rig.ts";

const START_MS = 60_000;

/** A program may keep a line this long before it writes it. */
const FLUSHED_MS = 300;

for (const integration of INTEGRATIONS) {
  const { log, name } = integration;
  if (log === undefined) continue;
  describe.skipIf(integration.missing() !== undefined)(`${name}: errors by version`, () => {
    let rig: Rig;

    beforeAll(async () => {
      rig = await Rig.start(integration);
    }, START_MS);
    afterAll(() => rig?.stop(), START_MS);

    test("the README's line finds the canary that answers 500 to all visitors", async () => {
      const line = lineOf(integration.folder, log.shipped).replaceAll(log.shipped, log.pathIn(rig.directory));
      // The log before the visits of this test.
      await eventually(async () => (await outputOf(line)).includes("canary: "), "the log has lines");
      await Bun.sleep(FLUSHED_MS);
      const before = counts(await outputOf(line));

      const served = { master: 0, canary: 0 };
      const visit = async (more: Visit["headers"] = []) => {
        const reply = await rig.visit({ headers: [["x-canary-status", "500"], ...more] });
        const { name: version } = JSON.parse(reply.body) as Seen;
        if (version !== "master" && version !== "canary") throw new Error(`served by ${version}`);
        expect(reply.status).toBe(version === "canary" ? 500 : 200);
        served[version]++;
      };
      for (let visitor = 0; visitor < 40; visitor++) {
        await visit([["cookie", rig.cookieOf(visitor / 40)]]);
        await visit();
      }
      expect(served.canary).toBeGreaterThan(5);

      const added = async () => {
        const after = counts(await outputOf(line));
        return {
          master: minus(after["master"], before["master"]),
          canary: minus(after["canary"], before["canary"]),
        };
      };
      const wanted = { master: [served.master, 0], canary: [served.canary, served.canary] };
      await eventually(
        async () => Bun.deepEquals(await added(), wanted),
        `${JSON.stringify(wanted)} in the log`,
      );
      expect(Object.keys(counts(await outputOf(line))).sort()).toEqual(["canary", "master"]);
    });
  });
}

/** The one line of a README that reads this log, unchanged. */
function lineOf(folder: string, log: string): string {
  const page = readFileSync(join(import.meta.dir, "../../integrations", folder, "README.md"), "utf8");
  const lines = page.split("\n").filter((line) => line.includes("awk") && line.includes(log));
  const [line, ...more] = lines;
  if (line === undefined || more.length > 0)
    throw new Error(`${folder}/README.md should have one line for ${log}`);
  return line;
}

async function outputOf(line: string): Promise<string> {
  const { stdout, stderr } = await Bun.$`sh -c ${line}`.nothrow().quiet();
  return `${stdout}${stderr}`;
}

/** Requests and errors by version, of lines such as `canary: 12 requests, 12 errors (100.0 %)`. */
function counts(output: string): Record<string, [requests: number, errors: number]> {
  const lines = [...output.matchAll(/^(\S+): (\d+) requests, (\d+) errors \(([\d.]+) %\)$/gm)];
  for (const [, , requests, errors, percent] of lines) {
    expect(percent).toBe(((100 * Number(errors)) / Number(requests)).toFixed(1));
  }
  return Object.fromEntries(
    lines.map(([, version = "", requests, errors]) => [version, [Number(requests), Number(errors)]]),
  );
}

function minus(after: readonly number[] = [0, 0], before: readonly number[] = [0, 0]): number[] {
  return after.map((value, i) => value - (before[i] ?? 0));
}
