import { expect, test } from "bun:test";
import { Listeners } from "../../../src/stores/shared/listeners.ts";
import { eventually } from "../../support/eventually.ts";

/** Connections that last until they are told to end, each from the moment at which it is made. */
function connections() {
  const begun: { readonly ending: AbortSignal; end(): void }[] = [];
  const follow = (ending: AbortSignal) =>
    new Promise<void>((resolve) => {
      ending.addEventListener("abort", () => resolve(), { once: true });
      begun.push({ ending, end: resolve });
    });
  return { begun, listeners: new Listeners(follow) };
}

test("one connection is made for the first listener, and given up with the last", async () => {
  const { begun, listeners } = connections();
  const ends = ["website", "website", "shop"].map((application) => listeners.add(application, () => {}));
  await eventually(() => begun.length === 1, "a connection");
  expect(listeners.applications).toEqual(["website", "shop"]);
  for (const end of ends.slice(1)) end();
  expect(listeners.applications).toEqual(["website"]);
  expect(begun[0]?.ending.aborted).toBe(false);
  ends[0]?.();
  expect(begun[0]?.ending.aborted).toBe(true);
  listeners.add("shop", () => {});
  await eventually(() => begun.length === 2, "another connection");
  await listeners.close();
  expect(begun[1]?.ending.aborted).toBe(true);
});

test("each is nudged for its own application, as often as it was added, and not when it has ended", () => {
  const { listeners } = connections();
  const heard: string[] = [];
  const website = () => heard.push("website");
  const end = listeners.add("website", website);
  listeners.add("website", website);
  listeners.add("shop", () => {
    heard.push("shop");
    end();
    // A listener that begins while others are nudged waits for the next one.
    listeners.add("shop", () => heard.push("late"));
  });
  listeners.nudge("website");
  expect(heard).toEqual(["website", "website"]);
  listeners.nudge("nobody's");
  listeners.nudgeAll();
  end();
  listeners.nudge("website");
  expect(heard).toEqual(["website", "website", "website", "website", "shop", "website"]);
  return listeners.close();
});

test("a listener that ends while others are nudged hears nothing more", async () => {
  const { listeners } = connections();
  const heard: string[] = [];
  listeners.add("website", () => {
    heard.push("first");
    endLater();
  });
  const endLater = listeners.add("website", () => heard.push("later"));
  listeners.nudge("website");
  expect(heard).toEqual(["first"]);
  await listeners.close();
});

test("close waits for a connection that ends slowly, also where another has followed it", async () => {
  const begun: (() => void)[] = [];
  const listeners = new Listeners(() => new Promise((resolve) => begun.push(resolve)));
  const end = listeners.add("website", () => {});
  await eventually(() => begun.length === 1, "a connection");
  end();
  listeners.add("website", () => {});
  await eventually(() => begun.length === 2, "another connection");
  let isClosed = false;
  const closed = listeners.close().then(() => {
    isClosed = true;
  });
  begun[1]?.();
  await Bun.sleep(50);
  expect(isClosed).toBe(false);
  begun[0]?.();
  await closed;
});

test("a connection that ends, or cannot be made, is followed by another, and not in a loop", async () => {
  let attempts = 0;
  const listeners = new Listeners(async () => {
    attempts++;
    if (attempts % 2 === 0) throw new Error("no route to the engine");
  });
  const beganMs = performance.now();
  listeners.add("website", () => {});
  await eventually(() => attempts === 6, "six attempts");
  // No wait is shorter than 20 ms.
  expect(performance.now() - beganMs).toBeGreaterThan(5 * 19);
  await listeners.close();
  const before = attempts;
  await Bun.sleep(200);
  expect(attempts).toBe(before);
});
