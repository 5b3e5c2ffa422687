/** How a page knows the age of its news. */

import { describe, expect, test } from "bun:test";
import { Lateness, WakefulClock } from "../../src/page/browser/ages.ts";

describe("the clock of a page", () => {
  const clocked = () => {
    const at = { monotonicMs: 5_000, wallMs: 1_700_000_000_000 };
    const clock = new WakefulClock({ monotonic: () => at.monotonicMs, wall: () => at.wallMs });
    const pass = (ms: number, wallMs = ms) => {
      at.monotonicMs += ms;
      at.wallMs += wallMs;
      return clock.now();
    };
    return pass;
  };

  test("goes on while the machine sleeps and its monotonic clock stands still", () => {
    const pass = clocked();
    expect([pass(250), pass(250, 3_600_000), pass(250)]).toEqual([5_250, 3_605_250, 3_605_500]);
  });

  test("never goes back, and does not follow a wall clock that is set by a little", () => {
    const pass = clocked();
    expect([pass(250, -3_600_000), pass(250, 600), pass(0, 0)]).toEqual([5_250, 5_500, 5_500]);
  });
});

describe("states that a browser held back", () => {
  test("are late, and the next ones in time are not, however the two clocks differ", () => {
    const lateness = new Lateness();
    expect([1, 2, 3].map((n) => lateness.of(n * 1_000 + 40, n * 1_000 - 77_000))).toEqual([0, 0, 0]);
    // The page was frozen for a minute, and now gets the states of that time.
    expect(lateness.of(63_040, 4_000 - 77_000)).toBe(59_000);
    expect(lateness.of(63_041, 63_000 - 77_000)).toBe(1);
  });

  test("are compared with the last ones alone, because clocks drift", () => {
    const lateness = new Lateness();
    lateness.of(0, 0);
    for (let n = 1; n < 60; n++) expect(lateness.of(n * 1_001, n * 1_000)).toBe(n);
    expect(lateness.of(60 * 1_001, 60 * 1_000)).toBe(59);
    expect(lateness.of(600 * 1_001, 600 * 1_000)).toBeGreaterThan(0);
  });

  test("an older daemon does not tell when it made them", () => {
    expect(new Lateness().of(1_000, undefined as never)).toBe(0);
  });
});
