import { describe, expect, test } from "bun:test";
import { classOf, emptyOutcome, isError, type Outcome, responseMs } from "../../src/intake/outcome.ts";
import { EVENTS_MAX } from "../../src/intake/outcome-fields.ts";
import { OUTCOME_BYTES_MAX, readOutcomeLine } from "../../src/intake/outcome-line.ts";
import { Random } from "../support/random.ts";

const draft = emptyOutcome();

/** The outcome of a line that can be read. */
function read(line: string): Outcome {
  expect(readOutcomeLine(line, draft), line).toBeUndefined();
  return { ...draft };
}

/** The same line with other names and values behind it. */
const withNames = (names: string) => read(`website canary 0.42 200 0.027 1 ${names}`);

const withStatus = (status: string, names = "") => read(`website canary 0.42 ${status} 0.027 1 ${names}`);

describe("a line of an outcome", () => {
  test("OUT-1: has six fields in this order", () => {
    const outcome = read("website canary 0.42 503 0.027 1");
    expect(outcome).toMatchObject({
      ...{ application: "website", location: "canary", assignment: 0.42, kind: "answered", status: 503 },
      ...{ isRetried: false, durationMs: 27, isBrought: true, isForced: false, events: [], share: 1 },
      ...{ source: undefined, decidedAtMs: undefined },
    });
    expect(readOutcomeLine("website canary 0.42 503 0.027", draft)).toBe("short");
    expect(readOutcomeLine("", draft)).toBe("short");
  });

  test("OUT-2: one or more spaces stand between two fields", () => {
    expect(read("  website   canary 0.42  200 0.027     0  share=0.1  ")).toMatchObject({
      ...{ application: "website", isBrought: false, share: 0.1 },
    });
  });

  test("OUT-2: a value with spaces is in double quotes", () => {
    expect(read('"web site" canary 0.42 200 "0.003, 0.120" 1 tries="502, 200"')).toMatchObject({
      ...{ application: "web site", durationMs: 123, isRetried: true },
    });
    expect(read('website "" 0.42 200 "" ""')).toMatchObject({ location: "", isBrought: undefined });
    expect(readOutcomeLine('website canary 0.42 200 0.027 1 tries="502, 200', draft)).toBe("quote");
    expect(readOutcomeLine('website canary 0.42 200 0.027 1 tries="502\\" x', draft)).toBe("quote");
  });

  test("OUT-2: escapes of nginx and of quoted values are resolved", () => {
    expect(read("web\\x20site canary 0.42 200 - -").application).toBe("web site");
    expect(read('"web \\"site\\"" canary 0.42 200 - -').application).toBe('web "site"');
  });

  test("OUT-3: a dash is a value that the reporter does not know", () => {
    const outcome = read("website - 0.42 200 - - source=- share=- event=- time=-");
    expect(outcome).toMatchObject({ location: "", isBrought: undefined, source: undefined, share: 1 });
    expect(outcome.durationMs).toBeNaN();
    expect(outcome.decidedAtMs).toBeUndefined();
    expect(read("- canary 0.42 200 0.027 1").application).toBe("");
  });

  test("OUT-4: a field that cannot be read makes the whole line unreadable", () => {
    const cases = {
      location: ["website ca/nary 0.42 200 0.027 1", "website .x 0.42 200 0.027 1"],
      assignment: ["website canary 1 200 0.027 1", "website canary nan 200 0.027 1"],
      status: ["website canary 0.42 2000 0.027 1", "website canary 0.42 20 0.027 1", "w c 0.42 OK 0.1 1"],
      duration: ["website canary 0.42 200 soon 1", "website canary 0.42 200 -0.5 1", "w c 0.4 200 1e99 1"],
      brought: ["website canary 0.42 200 0.027 yes"],
      value: ["a c 0.42 200 0.027 1 share=0", "a c 0.42 200 0.027 1 share=2", "a c 0.42 200 0.027 1 time=x"],
    };
    for (const [fault, lines] of Object.entries(cases)) {
      for (const line of lines) expect(readOutcomeLine(line, draft), line).toBe(fault as "value");
    }
    expect(readOutcomeLine(`${"a".repeat(129)} canary 0.42 200 0.027 1`, draft)).toBe("application");
    expect(readOutcomeLine(`website canary 0.42 200 0.027 1 ${"x".repeat(OUTCOME_BYTES_MAX)}`, draft)).toBe(
      "long",
    );
  });

  test("OUT-15: a report of a request that the daemon did not decide has no outcome, and is sound", () => {
    const lines = [
      "website canary - 200 0.027 1",
      "- - - 200 - -",
      "website maintenance 0.42 503 0.027 1",
      "website canary 0.42 301 0.027 1 ended=LR",
      "website canary 0.42 403 0.027 1 ended=PR--",
      "website canary 0.42 301 0.027 1 attempts=0",
    ];
    for (const line of lines) expect(readOutcomeLine(line, draft), line).toBe("undecided");
    expect(classOf(withStatus("502", "ended=PH"))).toBe("error");
    expect(classOf(withStatus("503", "attempts=0"))).toBe("error");
  });

  test("OUT-3: a duration that is not known, in the forms of HAProxy and Envoy", () => {
    for (const text of ["-", "-1", "-.e-3", "-1.e-3"]) {
      expect(read(`website canary 0.42 200 ${text} 1`).durationMs, text).toBeNaN();
    }
    expect(read("website canary 0.42 200 21.e-3 1").durationMs).toBe(21);
  });

  test("OUT-5: a status of 500 or more is an error, and every other one is not", () => {
    for (const status of ["500", "502", "503", "504", "599"]) {
      expect(classOf(withStatus(status)), status).toBe("error");
    }
    for (const status of ["101", "200", "302", "404", "408", "429"]) {
      expect(classOf(withStatus(status)), status).toBe("good");
    }
  });

  test("OUT-6: a visitor who left is heard, but does not count as an error", () => {
    for (const status of ["499", "0", "-1", "-", "000"]) {
      expect(withStatus(status), status).toMatchObject({ kind: "left", status: 0 });
      expect(isError(withStatus(status)), status).toBe(false);
    }
    expect(withStatus("200", "ended=CD--").kind).toBe("left");
    expect(withStatus("504", "ended=cR--").kind).toBe("left");
    expect(classOf(withStatus("499", "retried=1"))).toBe("left");
    expect(classOf(withStatus("0", "flags=URX,DC"))).toBe("left");
  });

  test("OUT-7: an answer that the server broke off is an error, whatever its status is", () => {
    expect(classOf(withStatus("200", "ended=SD--"))).toBe("error");
    expect(classOf(withStatus("-1", "ended=sH--"))).toBe("error");
    expect(classOf(withStatus("200", "ended=----"))).toBe("good");
    expect(classOf(withStatus("101", "ended=SD--"))).toBe("good");
    expect(classOf(withStatus("200", "flags=UC"))).toBe("error");
    expect(classOf(withStatus("101", "flags=UC"))).toBe("good");
    expect(classOf(withStatus("200", "flags=-"))).toBe("good");
  });

  test("OUT-8: a second try elsewhere is an error", () => {
    for (const names of [
      "retried=1",
      "retries=+1",
      'tries="502, 200"',
      'tries="a:1, b:2"',
      'tries="502 : 200"',
    ]) {
      expect(classOf(withNames(names)), names).toBe("error");
    }
    const harmless = [
      "retried=0",
      "retries=0",
      "retries=2",
      "tries=200",
      'tries="200 : 200"',
      "tries=[::1]:80",
    ];
    for (const names of [...harmless, "tries=unix:/run/a.sock"]) {
      expect(classOf(withNames(names)), names).toBe("good");
    }
  });

  test("OUT-9: the other names", () => {
    expect(withNames("source=192.0.2.7").source).toBe("192.0.2.7");
    expect(withNames("source=2001:db8::1").source).toBe("2001:db8::1");
    expect(withNames("source=unix:").source).toBeUndefined();
    expect(withNames("source=evil<b>").source).toBeUndefined();
    for (const forced of ["1", "true", "always", "never"]) {
      expect(withNames(`forced=${forced}`).isForced, forced).toBe(true);
    }
    for (const free of ["0", "-", "false", "off", "x"]) {
      expect(withNames(`forced=${free}`).isForced, free).toBe(false);
    }
    expect(withNames("time=1795953603.25").decidedAtMs).toBe(1_795_953_603_250);
    expect(withNames("first=31.e-3").firstByteMs).toBe(31);
    expect(withNames("event=cart.lost event=login-failed").events).toEqual(["cart.lost", "login-failed"]);
    expect(withNames("colour=red =x nonsense <b>").share).toBe(1);
    const many = Array.from({ length: EVENTS_MAX + 5 }, (_, index) => `event=e${index}`).join(" ");
    expect(withNames(many).events).toHaveLength(EVENTS_MAX);
  });

  test("OUT-9: nothing of a line stays for the next one", () => {
    withNames("source=192.0.2.7 forced=1 retried=1 event=x time=1 share=0.5 ended=SD");
    expect(withNames("")).toMatchObject({
      ...{ source: undefined, isForced: false, isRetried: false, events: [], share: 1, kind: "answered" },
      decidedAtMs: undefined,
    });
  });

  test("OUT-10: the time for which a WebSocket was open does not count as a response time", () => {
    expect(responseMs(withStatus("200"))).toBe(27);
    expect(responseMs(withStatus("101"))).toBeNaN();
    expect(responseMs(withStatus("499"))).toBeNaN();
  });

  test("any text is read or refused, and what is read is in range", () => {
    const random = new Random();
    const alphabet = 'abz019.:-=" \\<>\n\r\t\0\u001b,+é[]{}%';
    const parts = [
      "website",
      "canary",
      "0.42",
      "200",
      "0.027",
      "1",
      "share=0.1",
      'tries="5',
      "event=",
      "ended=S",
    ];
    for (let round = 0; round < 20_000; round++) {
      const line = Array.from({ length: random.whole(0, 11) }, (_, index) =>
        random.whole(0, 3) > 0
          ? (parts[Math.min(index, parts.length - 1)] as string)
          : Array.from({ length: random.whole(0, 8) }, () => random.pick([...alphabet])).join(""),
      ).join(" ");
      if (readOutcomeLine(line, draft) !== undefined) continue;
      expect(draft.assignment >= 0 && draft.assignment < 1, line).toBe(true);
      expect(draft.status === 0 || (draft.status >= 100 && draft.status <= 999), line).toBe(true);
      expect(draft.share > 0 && draft.share <= 1, line).toBe(true);
      expect(draft.durationMs >= 0 || Number.isNaN(draft.durationMs), line).toBe(true);
      expect(`${draft.location}${draft.source}${draft.events}`, line).not.toMatch(/[\p{Cc}<>"]/u);
    }
  });
});
