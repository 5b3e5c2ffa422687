/** The news of the page, as a daemon sends them. */

import { afterAll, beforeAll, describe, expect, test } from "bun:test";
import { STREAMS_MAX } from "../../src/admin/admin-connection.ts";
import { eventually } from "../support/eventually.ts";
import { Served, START_MS } from "./served.ts";

let served: Served;

beforeAll(async () => {
  served = await Served.start();
}, START_MS);

afterAll(() => served.stop());

describe("the stream", () => {
  test("sends whole states: at once, each second, and within 200 ms of a change", async () => {
    const page = served.page();
    await eventually(() => page.states.length >= 3, "three states");
    expect(page.last).toMatchObject({
      daemon: { store: `file:${served.home.storePath}`, notReady: null },
      list: { total: 1, applications: [{ name: "website", isFresh: true, arcs: "canary 5%" }] },
      application: {
        ...{ name: "website", isRead: true, releases: [] },
        arcs: [{ version: "canary", rollout: 0.05 }],
      },
    });
    served.home.write({ canary: { rollout: 0.5 } });
    const wroteMs = performance.now();
    await eventually(() => page.last?.application?.arcs[0]?.rollout === 0.5, "the change");
    expect(performance.now() - wroteMs).toBeLessThan(1_000);
    page.close();
  });

  test("sends no more than four states a second, however much changes", async () => {
    const page = served.page();
    await eventually(() => page.states.length >= 1, "a state");
    const before = page.states.length;
    const beganMs = performance.now();
    for (let n = 0; n < 40; n++) {
      served.home.write({ canary: { rollout: n / 100 } });
      await Bun.sleep(25);
    }
    const seconds = (performance.now() - beganMs) / 1_000;
    expect(page.states.length - before).toBeLessThanOrEqual(4 * seconds + 2);
    expect(page.states.length - before).toBeGreaterThan(2);
    page.close();
  });

  test("an application that the daemon does not serve is null, and markup in a record is text", async () => {
    const page = served.page("?application=other");
    const markup = "<img src=x onerror=alert(1)>";
    served.home.write({ canary: { rollout: 0.05, why: markup, updatedBy: markup } });
    const own = served.page("?application=website");
    await eventually(() => page.last !== undefined && own.last !== undefined, "a state of each");
    expect(page.last?.application).toBeNull();
    await eventually(() => own.last?.application?.history[0]?.why === markup, "the record");
    page.close();
    own.close();
  });

  test(`a page beyond ${STREAMS_MAX} is refused, and there is room again when others close`, async () => {
    const pages = Array.from({ length: STREAMS_MAX }, () => served.page());
    await eventually(() => pages.every(({ last }) => last !== undefined), "all pages");
    expect((await fetch(served.at("/events"))).status).toBe(503);
    expect((await fetch(served.at("/healthz"))).status).toBe(200);
    for (const page of pages) page.close();
    const again = served.page();
    await eventually(async () => {
      if (again.last !== undefined) return true;
      const reply = await fetch(served.at("/events"));
      await reply.body?.cancel();
      return reply.status === 200;
    }, "room for a page");
    again.close();
  });
});

test("the first state of a page has the release, because without it the page would say that there is none", async () => {
  served.startRelease();
  const page = served.page();
  await eventually(() => page.last !== undefined, "a state");
  expect(page.states[0]?.application?.releases).toMatchObject([{ state: "running", step: 2 }]);
  page.close();
});
