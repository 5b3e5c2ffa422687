/** The finding of `reporting`: which proxy is silent, and which field is wrong. */

import { expect, test } from "bun:test";
import { judgeReporting } from "../../../src/doctor/reporting/judge.ts";
import type { Examined, Heard, Visitor } from "../../../src/doctor/reporting/visitors.ts";
import { Site, type Visit } from "../../../src/doctor/site/site.ts";
import type { ProbeOutcome } from "../../../src/intake/probes.ts";

const OUTCOME: ProbeOutcome = {
  ...{ door: "udp", application: "website", location: "canary", kind: "answered", status: 200 },
  ...{ isBrought: true, source: "127.0.0.1", durationMs: 3 },
};

const VISIT: Visit = {
  ...{ status: 200, error: undefined, version: "canary", cookies: [], headers: [], tookMs: 3 },
};

const heardBy = (by: string, changes: Partial<ProbeOutcome> = {}): Heard => ({
  by,
  outcome: { ...OUTCOME, ...changes },
});

/** Two visitors of an address, with these outcomes each. */
function at(port: number, ...heard: readonly (readonly Heard[])[]): Examined {
  const site = new Site({
    ...{ url: new URL(`http://127.0.0.1:${port}/`), userAgent: "doctor", isInsecure: false, headers: [] },
    ...{ versionHeader: "maxwellsdaemon-location", versionTexts: [] },
  });
  const visitors = heard.map(
    (each): Visitor => ({ assignment: "0.1", wanted: "canary", visit: VISIT, heard: each }),
  );
  return { site, visitors };
}

function judge(examined: readonly Examined[], daemons: readonly string[] = ["one"]) {
  return judgeReporting({
    ...{ examined, daemons, application: "website" },
    proxyAt: ({ site }) => (site.url.port === "81" ? "nginx, process 17" : ""),
    remedyAt: ({ site }) => `mend ${site.url.port}`,
  });
}

const GOOD = [heardBy("one")];

test("if every visitor was reported, it passes, with the door", () => {
  const { verdict, summary } = judge([at(80, GOOD, GOOD)]);
  expect([verdict, summary]).toEqual(["pass", "2 of 2 visitors of http://127.0.0.1/ were reported (udp)"]);
});

test("of two proxies it names the silent one, with its remedy, and the other one as sound", () => {
  const { verdict, summary, remedy, evidence } = judge([at(80, GOOD, GOOD), at(81, [], [])]);
  expect(verdict).toBe("warn");
  expect(summary).toBe(
    "the proxy at http://127.0.0.1:81/ (nginx, process 17) reports nothing: 0 of 2 visitors of http://127.0.0.1:81/ were " +
      "reported. The judge of releases does not see these visitors. All is well with the others: 2 of 2 visitors of " +
      "http://127.0.0.1/ were reported (udp)",
  );
  expect(remedy).toBe("mend 81");
  expect(evidence["reported"]).toEqual({ "http://127.0.0.1/": 2, "http://127.0.0.1:81/": 0 });
});

test("behind one address with several daemons, it names the daemon that heard of no visitor", () => {
  const { verdict, summary } = judge([at(80, GOOD, [])], ["one", "two"]);
  expect(verdict).toBe("warn");
  expect(summary).toContain("the proxy at http://127.0.0.1/ does not report all: 1 of 2 visitors");
  expect(summary).toContain("the daemon at two heard of no visitor, so look at the proxy beside it");
  expect(judge([at(80, GOOD, GOOD)], ["one", "two"]).verdict).toBe("pass");
});

test.each<[field: string, changes: Partial<ProbeOutcome>, text: string]>([
  ["application", { application: "shop" }, "they name the application shop, and the visitors came to web"],
  ["no location", { location: null }, "they do not name the version that served"],
  ["location", { location: "master" }, "they name master for a visitor whose answer came from canary"],
  ["status", { status: 502 }, "they say status 502 for an answer with status 200"],
  ["kind", { kind: "left", status: 0 }, "they say left for an answer with status 200"],
  ["brought", { isBrought: null }, "they do not say whether a visitor brought its assignment"],
  ["not brought", { isBrought: false }, "they say that a visitor came without an assignment"],
  ["source", { source: null }, "they do not have the visitor's address"],
  ["duration", { durationMs: null }, "they have no duration"],
])("a wrong field is a warning: %s", (_, changes, text) => {
  const { verdict, summary, evidence } = judge([at(80, GOOD, [heardBy("one", changes)])]);
  expect(verdict).toBe("warn");
  expect(summary).toStartWith(`the reports of the proxy at http://127.0.0.1/ are wrong: ${text}`);
  expect(evidence["faults"]).toHaveLength(1);
});

test("a visit that one daemon heard of twice is a warning, and one that two daemons heard of is none", () => {
  expect(judge([at(80, [heardBy("one"), heardBy("one")])]).summary).toContain("a visit is reported twice");
  expect(judge([at(80, [heardBy("one"), heardBy("two")])], ["one", "two"]).verdict).toBe("pass");
});

test("without a decided visitor there is nothing to report", () => {
  expect(judge([at(80)]).verdict).toBe("skipped");
});
