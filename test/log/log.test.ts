import { afterEach, beforeEach, describe, expect, jest, test } from "bun:test";
import { createLog, type LogFormat, REPEAT_MS, REPEAT_MS_MAX, SILENCE_MS } from "../../src/log/log.ts";

const NOW = new Date("2026-01-02T03:04:05.678Z");

function createLines(format: LogFormat = "text", isJournal = false) {
  const lines: string[] = [];
  const lost: string[] = [];
  const start = Date.now();
  const sink = {
    isJournal,
    write(line: string, lostLine: (count: number) => string) {
      lines.push(line);
      lost.push(lostLine(3));
    },
  };
  const log = createLog({
    format,
    sinks: [sink],
    now: () => new Date(NOW.getTime() + Date.now() - start),
  });
  return { log, lines, lost };
}

beforeEach(() => {
  jest.useFakeTimers();
});

afterEach(() => {
  jest.useRealTimers();
});

describe("a line of text", () => {
  test("has time, level, message and fields, and ends in one LF", () => {
    const { log, lines } = createLines();
    log.info("rollouts", {
      application: "app",
      arcs: "canary=0.5@0",
      age: 3,
      isFresh: true,
      version: undefined,
    });
    log.warn("hm");
    expect(lines).toEqual([
      '2026-01-02T03:04:05.678Z info  rollouts application=app arcs="canary=0.5@0" age=3 isFresh=true\n',
      "2026-01-02T03:04:05.678Z warn  hm\n",
    ]);
  });

  test("has quotes around each value that would not read back as one word", () => {
    const { log, lines } = createLines();
    log.info("x", { a: "two words", b: "", c: 'q"', d: "a=b" });
    expect(lines[0]).toEndWith('a="two words" b="" c="q\\"" d="a=b"\n');
  });
});

test("a line of JSON parses, with its fields beside time, level and message", () => {
  const { log, lines } = createLines("json");
  log.error('no "socket"\n', { path: "/tmp/\u0007 x", count: 2 });
  expect(lines[0]).toEndWith("\n");
  expect(JSON.parse(lines[0] as string)).toEqual({
    ...{ time: NOW.toISOString(), level: "error", message: 'no "socket"\n', path: "/tmp/\u0007 x", count: 2 },
  });
});

describe("in the journal", () => {
  test("a line begins with its priority, and has no time of its own", () => {
    const { log, lines, lost } = createLines("text", true);
    log.info("rollouts", { application: "app" });
    log.warn("hm");
    log.error("no socket");
    expect(lines).toEqual(["<6>info  rollouts application=app\n", "<4>warn  hm\n", "<3>error no socket\n"]);
    expect(lost[0]).toBe("<4>warn  lines of the log were lost: they could not be written lines=3\n");
  });

  test("a line of JSON parses after its priority", () => {
    const { log, lines } = createLines("json", true);
    log.error("no socket", { path: "/x" });
    expect(lines[0]).toStartWith("<3>{");
    expect(JSON.parse(String(lines[0]).slice(3))).toEqual({
      level: "error",
      message: "no socket",
      path: "/x",
    });
  });

  test("the lines of a file beside it have their time", () => {
    const lines: string[] = [];
    const sinks = [true, false].map((isJournal) => ({
      isJournal,
      write: (line: string) => void lines.push(line),
    }));
    createLog({ format: "text", sinks, now: () => NOW }).info("x");
    expect(lines).toEqual(["<6>info  x\n", "2026-01-02T03:04:05.678Z info  x\n"]);
  });
});

describe.each(["text", "json"] as const)("as %s", (format) => {
  test("a line has no control character, separator or mark of direction, so it cannot forge lines or drive a terminal", () => {
    const { log, lines } = createLines(format);
    for (let code = 0; code < 0x2100; code++) {
      const character = String.fromCharCode(code);
      log.info(`a${character}b`, { field: `c${character}d` });
    }
    expect(lines).toHaveLength(0x2100);
    for (const line of lines) expect(line.slice(0, -1)).not.toMatch(/[\p{Cc}\p{Zl}\p{Zp}\p{Bidi_Control}]/u);
  });
});

describe("the same complaint", () => {
  test("is written less and less often while it goes on, with the number of repeats", () => {
    const { log, lines } = createLines("json");
    const seconds = 24 * 3_600;
    const writtenAt: number[] = [];
    for (let second = 0; second < seconds; second++) {
      log.warn("the store could not be read", { application: "app", attempt: second });
      while (writtenAt.length < lines.length) writtenAt.push(second);
      jest.advanceTimersByTime(1_000);
    }
    log.flush();
    expect(writtenAt.slice(0, 6)).toEqual([0, 10, 30, 70, 150, 310]);
    expect(lines.length).toBeLessThan(35);
    const told = lines.map((line): number => JSON.parse(line)["repeated"] ?? 1);
    expect(told.reduce((sum, count) => sum + count)).toBe(seconds);
    expect(JSON.parse(lines[1] as string)["attempt"]).toBe(9);
  });

  test("is written at least once an hour", () => {
    const { log, lines } = createLines();
    let last = 0;
    let longest = 0;
    for (let second = 0; second < 12 * 3_600; second += 5) {
      const before = lines.length;
      log.warn("x");
      jest.advanceTimersByTime(5_000);
      if (lines.length === before) continue;
      longest = Math.max(longest, second - last);
      last = second;
    }
    expect(longest * 1_000).toBeLessThanOrEqual(REPEAT_MS_MAX);
    expect(longest * 1_000).toBeGreaterThan(REPEAT_MS_MAX / 2);
  });

  test("is written at once again after a silence, and the repetitions until then are written first", () => {
    const { log, lines } = createLines();
    for (let second = 0; second < 3_600; second++) {
      log.warn("x");
      jest.advanceTimersByTime(1_000);
    }
    const before = lines.length;
    jest.advanceTimersByTime(SILENCE_MS);
    log.warn("x");
    expect(lines.slice(before).map((line) => line.replace(/^\S+ |last=\S+|\d+/g, ""))).toEqual([
      "warn  x repeated= \n",
      "warn  x\n",
    ]);
    jest.advanceTimersByTime(REPEAT_MS);
    log.warn("x");
    expect(lines).toHaveLength(before + 3);
  });

  test("is written at once again if it was not repeated within ten seconds", () => {
    const { log, lines } = createLines();
    log.warn("x");
    jest.advanceTimersByTime(REPEAT_MS);
    log.warn("x");
    expect(lines).toHaveLength(2);
    expect(lines[1]).not.toContain("repeated");
  });

  test("does not count as the same for another application, version, level or message", () => {
    const { log, lines } = createLines();
    log.warn("x", { application: "a", version: "v" });
    log.warn("x", { application: "b", version: "v" });
    log.warn("x", { application: "a", version: "w" });
    log.error("x", { application: "a", version: "v" });
    log.warn("y", { application: "a", version: "v" });
    log.warn("x", { application: "a", version: "v", attempt: 2 });
    expect(lines).toHaveLength(5);
  });

  test("does not count as the same for another server", () => {
    const { log, lines } = createLines();
    for (const server of ["one", "two", "one"]) log.warn("cannot be renewed", { server, error: "it hangs" });
    expect(lines).toHaveLength(2);
  });

  test("has the number of its repetitions written by flush, once", () => {
    const { log, lines } = createLines();
    for (let i = 0; i < 4; i++) log.warn("x");
    log.flush();
    expect(lines[1]).toContain(" x repeated=3 last=");
    log.flush();
    jest.advanceTimersByTime(10 * REPEAT_MS);
    expect(lines).toHaveLength(2);
  });

  test("that has ended has its count written before the line of its end, and not later", () => {
    const { log, lines } = createLines();
    for (const application of ["a", "b"]) {
      for (let i = 0; i < 3; i++) log.warn("x", { application, now: "all is lost" });
    }
    log.warn("y");
    log.warn("y");
    log.info("x is over", {}, (message, { application }) => message === "x" && application === "a");
    const shown = () => lines.map((line) => line.replace(/^\S+ | last=\S+|\n/g, ""));
    expect(shown().slice(3)).toEqual([
      'warn  x application=a now="this is over" repeated=2',
      "info  x is over",
    ]);
    jest.advanceTimersByTime(REPEAT_MS);
    expect(shown().slice(5)).toEqual([
      'warn  x application=b now="all is lost" repeated=2',
      "warn  y repeated=1",
    ]);
  });

  test("that ends and comes back is still counted, so a fault that flaps is not written each time", () => {
    const { log, lines } = createLines();
    const end = () => log.info("over", {}, () => true);
    log.warn("x");
    end();
    log.warn("x");
    expect(lines).toHaveLength(2);
    end();
    expect(lines).toHaveLength(4);
    expect(lines[2]).toContain("repeated=1");
  });

  test("does not delay other lines", () => {
    const { log, lines } = createLines();
    for (let i = 0; i < 4; i++) log.info("rollouts");
    expect(lines).toHaveLength(4);
  });
});

test("law 5: complaints without end that all differ take limited memory", () => {
  const { log, lines } = createLines();
  for (let i = 0; i < 10_000; i++) log.warn("the store could not be read", { error: `reason ${i}` });
  expect(lines).toHaveLength(257);
  expect(jest.getTimerCount()).toBeLessThanOrEqual(257);
  // The last count is of many different complaints, so no event ends all of them.
  log.info("over", {}, () => true);
  expect(lines).toHaveLength(258);
  log.flush();
  expect(lines.at(-1)).toContain("reason 9999");
  expect(lines.at(-1)).toContain(`repeated=${10_000 - 257}`);
});

test("an error with another text is written at once, and a summary has the time of the last repetition", () => {
  const { log, lines } = createLines();
  log.warn("the store could not be read", { error: "refused" });
  log.warn("the store could not be read", { error: "no such table" });
  log.warn("the store could not be read", { error: "refused" });
  expect(lines).toHaveLength(2);
  log.flush();
  expect(lines[2]).toMatch(/error=refused repeated=1 last=\d{4}-\d\d-\d\dT/);
});

test("a line goes to every sink", () => {
  const lines: string[] = [];
  const sink = { write: (line: string) => void lines.push(line) };
  createLog({ format: "text", sinks: [sink, sink] }).info("x");
  expect(lines).toHaveLength(2);
});
