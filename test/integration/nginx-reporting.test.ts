/** Outcomes of an nginx with its own lines of an operator: behind a balancer, and with hidden errors. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { isError } from "../../src/intake/outcome.ts";
import { nginxMissing } from "../support/nginx.ts";
import { nginx, nginxAsk, nginxAuthRequest, nginxLease } from "./proxies/nginx.ts";
import { Site } from "./reporting/site.ts";

const START_MS = 60_000;

/** The address that the balancer names. */
const SOURCE = "192.0.2.7";

const OWN = [
  { ...nginxLease, ...nginx("lease", 1, withOwnLines) },
  { ...nginxAsk, ...nginx("ask", 1, withOwnLines) },
  { ...nginxAuthRequest, ...nginx("auth-request", 1, withOwnLines) },
];

for (const integration of OWN) {
  describe.skipIf(nginxMissing() !== undefined)(`${integration.name}, with an operator's own lines`, () => {
    let site: Site;

    beforeAll(async () => {
      site = await Site.start(integration, { allowForce: false });
    }, START_MS);
    afterAll(() => site?.stop(), START_MS);

    test("an outcome has the visitor's address that real_ip trusts", async () => {
      expect(await site.visited("canary", { "x-forwarded-for": SOURCE })).toMatchObject({ source: SOURCE });
    });

    test("an error that error_page hides from the visitor is an error", async () => {
      site.rig.stopMaster();
      try {
        const outcome = await site.outcome("master", async (assignment) => {
          const { status } = await site.rig.visit({ headers: site.headers(assignment) });
          expect(status).toBe(200);
        });
        expect([outcome.status, outcome.isRetried, isError(outcome)]).toEqual([200, true, true]);
      } finally {
        site.rig.startMaster();
      }
    });

    test("law 12: if the operator has forgotten the canary, its visitors are reported at master", async () => {
      isWithoutCanary = true;
      try {
        await site.rig.restart();
        await site.rig.settles();
        expect(await site.visited("canary")).toMatchObject({ location: "master", status: 200 });
      } finally {
        isWithoutCanary = false;
      }
    });
  });
}

/** Whether the operator has forgotten the canary. */
let isWithoutCanary = false;

/** Without the canary in the files that choose a version, all visitors go to master. */
function withoutCanary(example: string): string {
  return isWithoutCanary
    ? example.replace(`locations = { "canary" }`, "locations = {}").replace(/^ {4}canary +\w+;\n/gm, "")
    : example;
}

/** The operator trusts a balancer, and hides that a version is gone behind the canary. */
function withOwnLines(example: string): string {
  const trust = "set_real_ip_from 127.0.0.1; real_ip_header X-Forwarded-For;\n";
  const hidden = "    location @hidden { proxy_pass http://website_canary; }\n";
  return (
    trust +
    withoutCanary(example)
      .replace(
        /^ {8}proxy_pass http:\/\/(website_master|\$website_upstream);/m,
        "error_page 502 = @hidden;\n$&",
      )
      .replace(/^ {4}location \/ \{/m, `${hidden}$&`)
  );
}
