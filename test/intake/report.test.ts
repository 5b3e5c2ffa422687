import { describe, expect, test } from "bun:test";
import { classOf, emptyOutcome, type Outcome, responseMs } from "../../src/intake/outcome.ts";
import { readReport, reportsIn } from "../../src/intake/report.ts";
import type { NoOutcome } from "../../src/intake/unreadable.ts";

const draft = emptyOutcome();

function read(text: string): Outcome {
  expect(readReport(text, draft), text).toBeUndefined();
  return { ...draft };
}

const refusal = (text: string): NoOutcome | undefined => readReport(text, draft);

const LINE = "website canary 0.42 503 0.027 1 source=192.0.2.7";
const SOUND = { application: "website", location: "canary", assignment: 0.42, source: "192.0.2.7" };

describe("syslog", () => {
  test("OUT-11: a message by RFC 3164 has the tag mwd, with or without a host", () => {
    for (const frame of [
      "<190>Nov 29 12:10:03 mwd: ",
      "<190>Nov  9 12:10:03 web-1 mwd: ",
      "<13>Nov 29 12:10:03 web-1 mwd[4711]: ",
      "<190>mwd: ",
    ]) {
      expect(read(frame + LINE), frame).toMatchObject(SOUND);
    }
    expect(refusal(`<190>Nov 29 12:10:03 web-1 nginx: ${LINE}`)).toBe("syslog");
    expect(refusal("<190>")).toBe("syslog");
    expect(refusal("<b>hi</b>")).toBe("syslog");
  });

  test("OUT-12: a message by RFC 5424 is a line", () => {
    for (const frame of [
      "<13>1 2026-11-29T12:10:03.123456+01:00 web-1 mwd - - - ",
      '<13>1 2026-11-29T12:10:03Z web-1 mwd 1 - [timeQuality tzKnown="1" isSynced="]"] ',
      '<13>1 - - mwd - - [a@1 b="\\"]"][c@2] \ufeff',
    ]) {
      expect(read(frame + LINE), frame).toMatchObject(SOUND);
    }
    expect(refusal('<13>1 - - mwd - - [a@1 b="')).toBe("syslog");
    expect(refusal("<13>1 - - mwd - - -")).toBe("short");
  });

  test("OUT-12: structured data with the id mwd has the fields by name, and the message does not count", () => {
    const data =
      'application="web \\"site\\"" location="canary" assignment="0.42" status="-1" seconds="27.e-3"';
    const outcome = read(
      `<134>1 2026-11-29T12:10:03Z web-1 mwd 42 - [x@1 a="b"][mwd@0 ${data} brought="1" retries="+1" ended="SH"] -`,
    );
    expect(outcome).toMatchObject({
      application: 'web "site"',
      durationMs: 27,
      isBrought: true,
      isRetried: true,
    });
    expect(classOf(outcome)).toBe("error");
    expect(read(`<134>1 - - mwd 42 - [mwd@0 outcome="${LINE} ended=--"] -`)).toMatchObject(SOUND);
    expect(refusal('<134>1 - - mwd 42 - [mwd@0 application="a" assignment="0.1"] -')).toBe("status");
    expect(refusal('<134>1 - - mwd 42 - [mwd application="a" assignment="1.1" status="200"] -')).toBe(
      "assignment",
    );
    expect(refusal('<134>1 - - mwd 42 - [mwd application="a] -')).toBe("syslog");
    expect(refusal("<134>1 - - mwd 42 - [mwd =x] -")).toBe("syslog");
  });
});

describe("a line of Caddy", () => {
  const headers = '"Maxwellsdaemon-Outcome":["website 0.1 1"],"Maxwellsdaemon-Location":["canary"]';
  const line = (status: number, more = "", request = '"remote_ip":"192.0.2.7"') =>
    `{"ts":1795990127.5,"request":{${request}},"duration":0.5,"status":${status},"resp_headers":{${headers}${more}}}`;

  test("OUT-13: has its facts in a header of the response", () => {
    expect(read(line(502))).toMatchObject({
      ...{ ...SOUND, assignment: 0.1, status: 502, durationMs: 500, isBrought: true },
      decidedAtMs: 1_795_990_127_000,
    });
    expect(read(line(200, "", '"remote_ip":"10.0.0.1","client_ip":"192.0.2.9"')).source).toBe("192.0.2.9");
    const forced = line(200).replace('"website 0.1 1"', '"website 0.1 1","forced=1 retried=1"');
    expect(read(forced)).toMatchObject({ isForced: true, isRetried: true });
  });

  test("OUT-13: status 0 is a visitor who left, or a WebSocket if the connection was upgraded", () => {
    expect(read(line(0)).kind).toBe("left");
    expect(read(line(0, ',"Upgrade":["websocket"]'))).toMatchObject({ kind: "answered", status: 101 });
  });

  test("OUT-13: without the header the daemon decided nothing", () => {
    expect(refusal('{"status":200}')).toBe("undecided");
    expect(refusal('{"status":200,"resp_headers":{"Maxwellsdaemon-Outcome":"website 0.1 1"}}')).toBe(
      "undecided",
    );
  });

  test("OUT-13: without a location Caddy itself answered", () => {
    expect(refusal(line(403).replace(',"Maxwellsdaemon-Location":["canary"]', ""))).toBe("undecided");
  });

  test("OUT-13: other JSON is unreadable", () => {
    expect(refusal("{")).toBe("json");
    expect(refusal(line(200).replace('"status":200', '"status":"up"'))).toBe("status");
    expect(refusal(line(200).replace('"duration":0.5', '"duration":-1'))).toBe("duration");
    expect(refusal(`{"a":${"[".repeat(60_000)}`)).toBe("json");
    expect(refusal(line(200, `,"X":["${"x".repeat(70_000)}"]`))).toBe("long");
  });
});

test("OUT-14: a datagram or a body may have several reports, one on each line", () => {
  expect([...reportsIn("a\nb\r\n\n\0c \0\n")]).toEqual(["a", "b", "\0c"]);
  expect([...reportsIn("")]).toEqual([]);
  expect([...reportsIn("\n".repeat(100_000))]).toEqual([]);
});

test("OUT-10: the time to the first byte is the response time, if it is reported", () => {
  expect(responseMs(read("website canary 0.42 200 3600 1 first=0.027"))).toBe(27);
  expect(responseMs(read("website canary 0.42 101 3600 1 first=27.e-3"))).toBe(27);
  expect(responseMs(read("website canary 0.42 200 3600 1 first=-1.e-3"))).toBe(3_600_000);
});
