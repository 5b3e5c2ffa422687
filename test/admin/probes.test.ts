/** The page `/probes`: doctor announces visitors and reads their outcomes; no other page is taken for it. */

import { afterAll, beforeAll, expect, test } from "bun:test";
import { Admin } from "../../src/admin/admin.ts";
import { ASSIGNMENTS_MAX, fetchProbes } from "../../src/admin/client/fetch-probes.ts";
import { probesText } from "../../src/admin/probes.ts";
import { DaemonSide, isProbes } from "../../src/doctor/daemon-side.ts";
import { createCore } from "../support/core.ts";
import { serve } from "../support/listeners-page.ts";

const core = createCore({ applications: ["website"] });
const admin = new Admin(core, {
  address: { host: "127.0.0.1", port: 0 },
  ...{ hosts: [], notReady: () => undefined, metrics: undefined },
  async *state() {},
  listeners: () => "{}",
  probes: (query) => probesText(core.intake, { host: "127.0.0.1", port: 6298 }, query),
});

beforeAll(() => admin.start());
afterAll(() => admin.close());

const address = () => ({ host: "127.0.0.1", port: admin.port ?? 0 });

test("a question announces its visitors, and later ones have the outcomes and the counts", async () => {
  const asked = await fetchProbes(address(), ["0.25", "0.5"], 1_000);
  expect(asked).toMatchObject({ address: "127.0.0.1:6298", doors: {}, dropped: [] });
  expect(asked.probes).toEqual([
    { assignment: 0.25, outcomes: [] },
    { assignment: 0.5, outcomes: [] },
  ]);
  core.intake.report("website canary 0.25 503 - -", "udp");
  core.intake.report("website canary 0.75 200 - -", "udp");
  const { probes, heard } = await fetchProbes(address(), ["0.25"], 1_000);
  expect(probes).toMatchObject([{ assignment: 0.25, outcomes: [{ status: 503, durationMs: null }] }]);
  expect(heard).toContainEqual({ source: "udp", class: "error", count: 1 });
});

test("texts of another form are left out, and a page without a question announces nothing", async () => {
  const response = await fetch(`${admin.url}/probes?assignment=x,0.125,1,,-0&other=0.9`);
  const { probes } = (await response.json()) as { probes: { assignment: number }[] };
  expect(probes.map(({ assignment }) => assignment)).toEqual([0.125]);
  expect((await fetchProbes(address(), [], 1_000)).probes).toEqual([]);
});

test("doctor announces more visitors than one question has room for", async () => {
  const assignments = Array.from({ length: 2 * ASSIGNMENTS_MAX + 1 }, (_, index) => `0.${1e14 + index}`);
  const page = await new DaemonSide(null, address(), undefined).probes(assignments);
  expect(isProbes(page) && page.probes.map(({ assignment }) => assignment)).toEqual(assignments.map(Number));
});

const PAGE = {
  ...{ address: null, doors: { udp: true }, heard: [], dropped: [] },
  probes: [
    {
      assignment: 0.25,
      outcomes: [
        {
          ...{ door: "udp", application: "website", location: null, kind: "answered", status: 200 },
          ...{ isBrought: null, source: null, durationMs: null },
        },
      ],
    },
  ],
};

test.each([
  ["text", "hello"],
  ["null", "null"],
  ["a list", "[]"],
  ["no fields", "{}"],
  ["an address that is a number", JSON.stringify({ ...PAGE, address: 7 })],
  ["a door that is a text", JSON.stringify({ ...PAGE, doors: { udp: "open" } })],
  ["counts of another form", JSON.stringify({ ...PAGE, heard: [{ source: "udp", class: "good" }] })],
  ["drops of another form", JSON.stringify({ ...PAGE, dropped: [null] })],
  ["probes without outcomes", JSON.stringify({ ...PAGE, probes: [{ assignment: 0.25 }] })],
  ["an outcome of another form", JSON.stringify({ ...PAGE, probes: [{ assignment: 0.25, outcomes: [{}] }] })],
])("another program is not taken for a daemon with this page: %s", async (_, body) => {
  await using at = serve(body);
  expect(await new DaemonSide(null, at.address, undefined).probes([])).toMatchObject({ code: "foreign" });
});

test("the page above is right, so its changes are the faults", async () => {
  await using at = serve(JSON.stringify(PAGE));
  expect(await fetchProbes(at.address, [], 1_000)).toMatchObject(PAGE);
});

test("no daemon at all", async () => {
  const nowhere = new DaemonSide(null, { host: "127.0.0.1", port: 9 }, undefined);
  expect(await nowhere.probes([])).toMatchObject({ code: "unreachable" });
});
