/** The remedies for a proxy that reports nothing, by what the daemon counted meanwhile. */

import { expect, test } from "bun:test";
import type { ProbesPage } from "../../../src/admin/probes.ts";
import { PROXY_NAMES } from "../../../src/doctor/machine/proxies.ts";
import { REPORTING_PROXIES, remedyFor, type Silence } from "../../../src/doctor/reporting/causes.ts";

const PAGE: ProbesPage = {
  address: "127.0.0.1:6298",
  doors: { udp: true, http: true },
  heard: [{ source: "udp", class: "undecided", count: 3 }],
  dropped: [{ source: "udp", reason: "foreign", count: 2 }],
  probes: [],
};

function remedy(after: Partial<ProbesPage> = {}, facts: Partial<Silence> = {}): string {
  return remedyFor({
    ...{ before: PAGE, after: { ...PAGE, ...after } },
    ...{ isOwnHeard: true, proxy: "nginx", areOwnAnswers: false, ...facts },
  });
}

test("doctor knows the lines of each proxy that it finds", () => {
  expect([...REPORTING_PROXIES].sort()).toEqual([...PROXY_NAMES].sort());
});

test("if nothing is known, the remedy is the proxy's line with the daemon's address; for no proxy, its page", () => {
  expect(remedy()).toStartWith("look for the line that reports: log_by_lua_block ");
  expect(remedy()).toContain("syslog:server=127.0.0.1:6298");
  expect(remedy({}, { proxy: undefined })).toStartWith("make the proxy report to 127.0.0.1:6298: its page");
});

test.each<[what: string, after: Partial<ProbesPage>, facts: Partial<Silence>, text: string]>([
  ["-outcomes none", { address: null, doors: {} }, {}, "the daemon runs with -outcomes none"],
  ["a door that is shut", { doors: { udp: false, http: true } }, {}, "hears nothing there (udp)"],
  ["a firewall", {}, { isOwnHeard: false }, "does not hear doctor's own report to 127.0.0.1:6298 either"],
  ["a page of the proxy's own", {}, { areOwnAnswers: true }, "give doctor the -url of a page of the appli"],
  [
    "no assignment",
    { heard: [{ source: "udp", class: "undecided", count: 11 }] },
    {},
    "8 reports without an assignment came meanwhile",
  ],
  [
    "another machine",
    { dropped: [{ source: "udp", reason: "foreign", count: 10 }] },
    {},
    "the daemon dropped 8 reports meanwhile: they came from an address that may not report",
  ],
  [
    "a line that cannot be read",
    { dropped: [...PAGE.dropped, { source: "udp", reason: "unreadable-status", count: 8 }] },
    {},
    "dropped 8 reports meanwhile: they cannot be read (status): report the status of the answer",
  ],
  [
    "too many",
    { dropped: [...PAGE.dropped, { source: "udp", reason: "kernel", count: 1 }] },
    {},
    "more came than it can read (kernel)",
  ],
])("the cause comes before the line: %s", (_, after, facts, text) => {
  const said = remedy(after, facts);
  expect(said).toContain(text);
  expect(said.indexOf(text)).toBeLessThan(said.indexOf("look for the line that reports"));
});

test("earlier drops do not count", () => {
  expect(remedy()).not.toContain("dropped");
  expect(remedy()).not.toContain("without an assignment");
});
