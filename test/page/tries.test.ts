/** Wrong tokens are limited, and no client keeps another one from its login. */

import { describe, expect, test } from "bun:test";
import { clientOf, PACE_MS, TRIES_MAX, TRIES_MS, Tries } from "../../src/page/tries.ts";
import { ManualTime, settled } from "../support/manual-time.ts";

const STAYS = new AbortController().signal;

class Door {
  readonly time = new ManualTime();
  readonly tries = new Tries({ clock: this.time.clock, timers: this.time });
  /** The answers, in their order. */
  readonly answers: string[] = [];
  looks = 0;

  knock(client: string, isRight = false, leaving = STAYS): void {
    const look = () => {
      this.looks++;
      return isRight;
    };
    void this.tries.try(client, leaving, look).then((answer) => this.answers.push(`${client} ${answer}`));
  }

  /** The answer to one token, after its turn. */
  async asked(client: string, isRight = false): Promise<string | undefined> {
    this.knock(client, isRight);
    await this.time.pass(PACE_MS);
    return this.answers.at(-1);
  }
}

describe("the tries of a client", () => {
  test("end after some wrong tokens, also if they come at once, and for itself alone", async () => {
    const door = new Door();
    for (let n = 0; n < 3 * TRIES_MAX; n++) door.knock("eve");
    await door.time.pass(3 * TRIES_MAX * PACE_MS);
    expect(door.answers.filter((answer) => answer === "eve wrong")).toHaveLength(TRIES_MAX);
    expect(door.looks).toBe(TRIES_MAX);
    expect(await door.asked("eve", true)).toBe("eve too-often");
    expect(door.looks).toBe(TRIES_MAX);
    expect(await door.asked("ada", true)).toBe("ada right");
    await door.time.pass(TRIES_MS);
    expect(await door.asked("eve", true)).toBe("eve right");
  });

  test("a right token does not count as one", async () => {
    const door = new Door();
    for (let n = 0; n < 2 * TRIES_MAX; n++) expect(await door.asked("ada", true)).toBe("ada right");
  });
});

describe("all clients together", () => {
  test("have one token looked at in a time, and the login of another client comes in its turn", async () => {
    const door = new Door();
    for (let n = 0; n < 100; n++) door.knock(`eve-${n}`);
    door.knock("ada", true);
    await settled();
    expect(door.looks).toBe(1);
    await door.time.pass(50 * PACE_MS);
    expect(door.looks).toBe(51);
    await door.time.pass(50 * PACE_MS);
    expect(door.answers.at(-1)).toBe("ada right");
  });

  test("do not wait for those that have left", async () => {
    const door = new Door();
    const leaving = new AbortController();
    for (let n = 0; n < 1_000; n++) door.knock(`eve-${n}`, false, leaving.signal);
    leaving.abort();
    expect(await door.asked("ada", true)).toBe("ada right");
    expect(door.looks).toBe(2);
    await door.time.pass(TRIES_MS);
    await door.asked("ada", true);
    expect(door.tries.size).toBe(1);
  });

  test("law 5: the table has no more clients than the pace lets fail in its time", async () => {
    const door = new Door();
    for (let n = 0; n < 2_000; n++) await door.asked(`eve-${n}`);
    expect(door.tries.size).toBeLessThanOrEqual(TRIES_MS / PACE_MS + 1);
  });
});

describe("a client", () => {
  const of = (peer: string, forwarded?: string) =>
    clientOf(peer, new Map(forwarded === undefined ? [] : [["x-forwarded-for", forwarded]]));

  test("of a proxy on this machine is the one that the proxy names last", () => {
    expect(of("127.0.0.1")).toBe("127.0.0.1");
    expect(of("127.0.0.1", "198.51.100.1, 203.0.113.7")).toBe("127.0.0.1 for 203.0.113.7");
    expect(of("0:0:0:0::/64", "2001:db8:0:1::5")).toBe("0:0:0:0::/64 for 2001:db8:0:1::/64");
    expect(of("127.0.0.1", "2001:db8:0:1::6")).toBe(of("127.0.0.1", "2001:db8:0:1:ffff::1"));
    for (const odd of ["", "unknown", `203.0.113.7, ${"x".repeat(1_000)}`]) {
      expect(of("127.0.0.1", odd)).toBe("127.0.0.1");
    }
  });

  test("of another machine cannot say that it is another one", () => {
    expect(of("203.0.113.9", "198.51.100.1")).toBe("203.0.113.9");
    expect(of("", "198.51.100.1")).toBe("");
  });
});
