import { expect, test } from "bun:test";
import { ClientTrouble } from "../../src/servers/client-trouble.ts";
import { createCore } from "../support/core.ts";
import { KeptLog } from "../support/logged.ts";
import { listener } from "../support/server-identity.ts";

function setUp() {
  const core = createCore();
  const log = new KeptLog();
  const trouble = new ClientTrouble(core.metrics, log, "app");
  const counts = core.metrics.server(listener("line"));
  counts.accepted = 1;
  return { core, log, trouble, counts };
}

test("without trouble, the log is silent", () => {
  const { core, log, trouble, counts } = setUp();
  core.metrics.placements.of("app", "canary", "rollout").count = 1_000;
  counts.success = 1_000;
  trouble.look();
  trouble.close();
  expect(log.entries).toEqual([]);
});

test("a count that has grown is logged once, with its total and a remedy", () => {
  const { core, log, trouble, counts } = setUp();
  const invalid = core.metrics.placements.of("app", "master", "invalid");
  invalid.count = 7;
  trouble.look();
  trouble.look();
  expect(log.at("warn")).toHaveLength(1);
  expect(log.at("warn")[0]).toMatchObject({
    message: "requests could not be read, so their visitors went to master",
    fields: { total: 7, remedy: expect.stringContaining("proxy") },
  });
  invalid.count = 9;
  core.metrics.placements.of("app", "master", "unknown-application").count = 2;
  counts.failure = 3;
  Object.assign(core.metrics.server(listener("http")), { accepted: 1, failure: 4 });
  trouble.look();
  expect(log.at("warn").map(({ fields }) => fields["total"])).toEqual([7, 9, 2, 7]);
});

test("a lease that cannot be renewed does not count as clients' trouble", () => {
  const { core, log, trouble } = setUp();
  core.metrics.server({
    protocol: "apache-map",
    address: { kind: "file", path: "/nowhere" },
    listens: false,
    leasesTo: "apache",
  }).failure = 9;
  trouble.close();
  expect(log.entries).toEqual([]);
});

test("trouble after the last look is logged at the end", () => {
  const { log, trouble, counts } = setUp();
  trouble.start();
  counts.failure = 1;
  trouble.close();
  expect(log.at("warn")).toHaveLength(1);
});
