import { describe, expect, test } from "bun:test";
import { Problem } from "../../src/config/option.ts";
import { isOpen, nextOpening, parseWindow, type Window } from "../../src/releases/windows.ts";
import { holds } from "../support/random.ts";

function windowOf(text: string): Window {
  const window = parseWindow(text);
  if (window instanceof Problem) throw new Error(window.message);
  return window;
}

const isOpenAt = (text: string, time: string) => isOpen(windowOf(text), Date.parse(time));

const nextOf = (texts: readonly string[], time: string) =>
  new Date(nextOpening(texts.map(windowOf), Date.parse(time))).toISOString().replace(":00.000Z", "Z");

describe("a window is read", () => {
  test("with its days, its hours and its zone", () => {
    expect(windowOf("mon-thu 09:00-16:00 Europe/Berlin")).toEqual({
      text: "mon-thu 09:00-16:00 Europe/Berlin",
      days: [1, 2, 3, 4],
      fromMinute: 540,
      toMinute: 960,
      zone: "Europe/Berlin",
    });
  });

  test.each<[string, number[]]>([
    ["mon", [1]],
    ["MON,wed", [1, 3]],
    ["mon-tue,sat", [1, 2, 6]],
    ["fri-mon", [0, 1, 5, 6]],
    ["sun-sat", [0, 1, 2, 3, 4, 5, 6]],
  ])("and %s means these days", (days, expected) => {
    expect(windowOf(`${days} 0:00-24:00 UTC`).days).toEqual(expected);
  });

  test.each<[string, string]>([
    ["", "write days, hours and a zone"],
    ["mon-thu 09:00-16:00", "write days, hours and a zone"],
    ["mon-thu 09:00-16:00 Europe/Berlin x", "write days, hours and a zone"],
    ["mo-thu 09:00-16:00 UTC", '"mo" is not a day'],
    ["mon- 09:00-16:00 UTC", '"" is not a day'],
    ["mon-tue-wed 09:00-16:00 UTC", "write two days"],
    ["mon, 09:00-16:00 UTC", '"" is not a day'],
    ["mon 9-16 UTC", "write hours from 00:00 to 24:00"],
    ["mon 09:60-16:00 UTC", "write hours from 00:00 to 24:00"],
    ["mon 09:00-24:01 UTC", "write hours from 00:00 to 24:00"],
    ["mon 24:00-02:00 UTC", "write hours from 00:00 to 24:00"],
    ["mon 09:00-09:00 UTC", "write 00:00-24:00 for the whole day"],
    ["mon 09:00-16:00 Europe/Berlim", "did you mean Europe/Berlin?"],
    ["mon 09:00-16:00 +01:00", "is not a zone"],
  ])("%s is refused with a remedy", (text, remedy) => {
    const problem = parseWindow(text);
    expect(problem).toBeInstanceOf(Problem);
    expect((problem as Problem).message).toContain(remedy);
  });

  test("garbage is refused", () => {
    holds(1_000, (random) => {
      const piece = () => String.fromCharCode(random.whole(0, 0x17f));
      const words = Array.from({ length: random.whole(0, 5) }, () =>
        random.pick(["mon-thu", "09:00-16:00", "UTC", Array.from({ length: 6 }, piece).join("")]),
      );
      if (words.join(" ") === "mon-thu 09:00-16:00 UTC") return;
      expect(parseWindow(words.join(" "))).toBeInstanceOf(Problem);
    });
  });
});

describe("a window is open", () => {
  const office = "mon-thu 09:00-16:00 Europe/Berlin";
  test.each<[string, string, boolean]>([
    // 30 November 2026 is a Monday, and Berlin is one hour before UTC.
    [office, "2026-11-30T07:59:59.999Z", false],
    [office, "2026-11-30T08:00:00Z", true],
    [office, "2026-11-30T14:59:59.999Z", true],
    [office, "2026-11-30T15:00:00Z", false],
    [office, "2026-12-04T10:00:00Z", false],
    ["mon 22:00-02:00 UTC", "2026-11-30T21:59:00Z", false],
    ["mon 22:00-02:00 UTC", "2026-11-30T23:59:59Z", true],
    ["mon 22:00-02:00 UTC", "2026-12-01T01:59:00Z", true],
    ["mon 22:00-02:00 UTC", "2026-12-01T02:00:00Z", false],
    ["mon 22:00-02:00 UTC", "2026-12-01T22:30:00Z", false],
    ["mon 22:00-02:00 UTC", "2026-11-30T01:00:00Z", false],
    ["tue 00:00-24:00 Asia/Kathmandu", "2026-11-30T18:14:59Z", false],
    ["tue 00:00-24:00 Asia/Kathmandu", "2026-11-30T18:15:00Z", true],
  ])("%s at %s: %p", (window, time, expected) => {
    expect(isOpenAt(window, time)).toBe(expected);
  });

  test.each<[zone: string, before: string, open: string, closed: string]>([
    ["Europe/Berlin", "2026-03-29T06:59:00Z", "2026-03-29T07:00:00Z", "2026-03-29T14:00:00Z"],
    ["Europe/Berlin", "2026-10-25T07:59:00Z", "2026-10-25T08:00:00Z", "2026-10-25T15:00:00Z"],
    ["America/New_York", "2026-03-08T12:59:00Z", "2026-03-08T13:00:00Z", "2026-03-08T20:00:00Z"],
    ["America/New_York", "2026-11-01T13:59:00Z", "2026-11-01T14:00:00Z", "2026-11-01T21:00:00Z"],
  ])("by the clock on the wall of %s on the day of a change", (zone, before, open, closed) => {
    const window = `sun 09:00-16:00 ${zone}`;
    expect([before, open, closed].map((time) => isOpenAt(window, time))).toEqual([false, true, false]);
  });
});

describe("the next opening", () => {
  test("is now if there is no window, or if one is open", () => {
    expect(nextOf([], "2026-11-29T12:00:01Z")).toBe("2026-11-29T12:00:01.000Z");
    expect(nextOf(["mon 09:00-16:00 UTC", "sun 12:00-13:00 UTC"], "2026-11-29T12:00:01Z")).toBe(
      "2026-11-29T12:00:01.000Z",
    );
  });

  test.each<[windows: string[], now: string, opening: string]>([
    [["mon-thu 09:00-16:00 Europe/Berlin"], "2026-12-03T15:00:00Z", "2026-12-07T08:00Z"],
    [["mon 09:00-16:00 UTC"], "2026-11-30T16:00:00Z", "2026-12-07T09:00Z"],
    [["wed 09:00-16:00 UTC", "tue 18:00-19:00 UTC"], "2026-11-30T16:00:00.5Z", "2026-12-01T18:00Z"],
    [["sat 22:00-02:00 UTC"], "2026-11-29T02:00:00Z", "2026-12-05T22:00Z"],
  ])("of %p after %s is %s", (windows, now, opening) => {
    expect(nextOf(windows, now)).toBe(opening);
  });

  test.each<[name: string, window: string, now: string, opening: string]>([
    ["over the spring change", "sun 09:00-16:00 Europe/Berlin", "2026-03-28T12:00:00Z", "2026-03-29T07:00Z"],
    ["over the autumn change", "sun 09:00-16:00 Europe/Berlin", "2026-10-24T12:00:00Z", "2026-10-25T08:00Z"],
    [
      "over the spring change",
      "mon 09:00-16:00 America/New_York",
      "2026-03-06T22:00:00Z",
      "2026-03-09T13:00Z",
    ],
    [
      "over the autumn change",
      "mon 09:00-16:00 America/New_York",
      "2026-10-30T22:00:00Z",
      "2026-11-02T14:00Z",
    ],
    // The clock goes from 02:00 to 03:00: the window opens with its first minute that exists.
    [
      "if its first minute is left out",
      "sun 02:30-04:00 Europe/Berlin",
      "2026-03-28T12:00:00Z",
      "2026-03-29T01:00Z",
    ],
    [
      "if its first minute is left out",
      "sun 02:30-04:00 America/New_York",
      "2026-03-07T12:00:00Z",
      "2026-03-08T07:00Z",
    ],
    [
      "if its whole hour is left out",
      "sun 02:00-03:00 Europe/Berlin",
      "2026-03-28T12:00:00Z",
      "2026-04-05T00:00Z",
    ],
    // The clock goes from 03:00 back to 02:00.
    ["if its hour comes twice", "sun 02:15-02:45 Europe/Berlin", "2026-10-25T00:50:00Z", "2026-10-25T01:15Z"],
    [
      "if the clock goes back into it",
      "sun 01:00-02:30 Europe/Berlin",
      "2026-10-25T00:45:00Z",
      "2026-10-25T01:00Z",
    ],
    [
      "if the clock goes back into it",
      "sun 00:00-01:30 America/New_York",
      "2026-11-01T05:45:00Z",
      "2026-11-01T06:00Z",
    ],
  ])("%s: %s after %s is %s", (_, window, now, opening) => {
    expect(nextOf([window], now)).toBe(opening);
  });

  test("is open, and no minute before it is", () => {
    const zones = ["Europe/Berlin", "America/New_York", "UTC", "Australia/Lord_Howe"];
    const changes = ["2026-03-08", "2026-03-29", "2026-04-05", "2026-10-04", "2026-10-25", "2026-11-01"];
    holds(60, (random) => {
      const minute = () => `0${random.whole(0, 4)}:${random.pick(["00", "15", "30", "45"])}`;
      const days = random.pick(["sun", "sat", "sat-sun", "mon"]);
      const [from, to] = [minute(), minute()];
      if (from === to) return;
      const window = windowOf(`${days} ${from}-${to} ${random.pick(zones)}`);
      const now = Date.parse(`${random.pick(changes)}T00:00Z`) + random.whole(-1_440, 1_440) * 60_000;
      const opening = nextOpening([window], now);
      expect(isOpen(window, opening)).toBe(true);
      for (let step = 1; step <= 600 && opening - step * 60_000 >= now; step++) {
        if (isOpen(window, opening - step * 60_000)) throw new Error(`${window.text} was open earlier`);
      }
    });
  });
});
