/** The screen of a release: a clock that ticks, a size that changes. */

import { describe, expect, test } from "bun:test";
import { frameText } from "../../../../src/cli/commands/release/screen.ts";
import { viewFor } from "../../../../src/cli/commands/release/views.ts";
import { BEGAN_MS } from "../../../releases/world.ts";
import { HandTime } from "../../../support/hand-time.ts";
import { type Scene, shownAt } from "./shown.ts";

const CLEAR = "\u001b[2J";

function screen(scene: Scene = {}) {
  const time = new HandTime();
  const frames: string[] = [];
  let resize: (() => void) | undefined;
  let size: { columns: number; rows: number } | undefined = { columns: 100, rows: 30 };
  const io = {
    env: { NO_COLOR: "1" },
    stdout: { isTerminal: true, size: () => size, write: (text: string) => frames.push(text) },
    stderr: { write() {} },
    onResize(redraw: () => void) {
      resize = redraw;
      return () => {
        resize = undefined;
      };
    },
  };
  const now = () => ({ monotonicMs: time.nowMs, nowMs: BEGAN_MS + 1_080_000 + time.nowMs - 1_000 });
  const view = viewFor(false, { io, timers: time.timers, now, storeFlags: [] });
  const shown = {
    at: ({ nowMs }: { nowMs: number }) => shownAt({ ...scene, minutes: (nowMs - BEGAN_MS) / 60_000 }),
  };
  return {
    ...{ time, frames, view, shown },
    resizeTo(columns: number, rows: number) {
      size = columns === 0 ? undefined : { columns, rows };
      resize?.();
    },
    get isResizable() {
      return resize !== undefined;
    },
    /** The lines of the last frame. */
    get lines() {
      return (frames.at(-1) ?? "").replaceAll("\u001b[K", "").split("\r\n");
    },
  };
}

describe("the screen", () => {
  test("ticks each second, although nothing is read", async () => {
    const { time, frames, view, shown } = screen();
    view.show(shown, undefined);
    await time.pass(3_000);
    const times = frames.map((frame) => [
      /\((.*) of 30m\)/.exec(frame)?.[1],
      /now {7}(\S+) UTC/.exec(frame)?.[1],
    ]);
    expect(times).toEqual([
      ["18m", "12:18:00"],
      ["18m1s", "12:18:01"],
      ["18m2s", "12:18:02"],
      ["18m3s", "12:18:03"],
    ]);
    expect(frames.map((frame) => frame.includes(CLEAR))).toEqual([true, false, false, false]);
  });

  test("keeps within 80 columns, and clears the terminal for another size", () => {
    const world = screen({ leaders: Array.from({ length: 6 }, (_, index) => `web-number-${index}`) });
    world.view.show(world.shown, undefined);
    expect(world.lines.filter((line) => line.length > 110)).toEqual([]);
    expect(world.lines).toContain(
      "led by    web-number-0, web-number-1, web-number-2, web-number-3, web-number-4,",
    );
    world.resizeTo(60, 20);
    expect(world.frames.at(-1)).toContain(CLEAR);
    expect(world.lines).toContain("led by    web-number-0, web-number-1, web-number-2,");
    world.resizeTo(60, 20);
    expect(world.frames.at(-1)).not.toContain(CLEAR);
  });

  test("keeps within the rows, and says that there is more", () => {
    const world = screen();
    world.view.show(world.shown, undefined);
    world.resizeTo(80, 6);
    expect(world.lines).toHaveLength(6);
    expect(world.lines[4]).toBe("…");
    world.resizeTo(0, 0);
    expect(world.lines.length).toBeGreaterThan(8);
  });

  test("counts the seconds for which the store does not answer", async () => {
    const world = screen();
    world.view.show(world.shown, { sinceMonotonicMs: world.time.nowMs });
    await world.time.pass(12_000);
    const silent = "STORE     the store does not answer since 12 s; the release goes on as its";
    expect(world.lines).toContain(silent);
    await world.time.pass(60_000);
    expect(world.lines.join("\n")).toContain("since 1m12s;");
    world.view.show(world.shown, undefined);
    expect(world.lines.join("\n")).not.toContain("STORE");
  });

  test("leaves no timer behind, and no wish to know the size", () => {
    const world = screen();
    world.view.show(world.shown, undefined);
    expect([world.time.pending, world.isResizable]).toEqual([1, true]);
    world.view.end();
    expect([world.time.pending, world.isResizable]).toEqual([0, false]);
  });
});

test("a frame is one update, and leaves the cursor below it", () => {
  expect(frameText(["a", "b"], 24, false)).toBe(
    "\u001b[?2026h\u001b[?25l\u001b[Ha\u001b[K\r\nb\u001b[K\r\n\u001b[J\u001b[?25h\u001b[?2026l",
  );
  expect(frameText(["a", "b", "c"], 1, false)).toContain("…\u001b[K\r\n");
});
