import { describe, expect, test } from "bun:test";
import {
  APPLICATION_BYTES_MAX,
  APPLICATION_ESCAPES_MAX,
  RECORD_DEPTH_MAX,
} from "../../../src/stores/shared/document-parts.ts";
import { DocumentReader } from "../../../src/stores/shared/document-reader.ts";
import { type Snapshot, StoreError } from "../../../src/stores/store.ts";
import "../../support/alone.ts";
import { holds } from "../../support/random.ts";
import { bestRound } from "../../support/rounds.ts";
import { longestStall } from "../../support/stall.ts";

const MEBIBYTE = 1024 * 1024;

function valuesOf(snapshot: Snapshot | StoreError | undefined): Record<string, unknown> {
  if (snapshot instanceof StoreError || snapshot === undefined) throw snapshot;
  return Object.fromEntries([...snapshot].map(([version, { value }]) => [version, value]));
}

function bytesOf(value: unknown): Buffer {
  return Buffer.from(JSON.stringify(value));
}

async function errorOf(reader: DocumentReader, text: string): Promise<StoreError> {
  const error = await reader.read(Buffer.from(text)).catch((reason: unknown) => reason);
  expect(error).toBeInstanceOf(StoreError);
  return error as StoreError;
}

describe("what did not change is not parsed", () => {
  test("the same bytes have the same answer, and a fault is looked for once", async () => {
    const reader = new DocumentReader("r.json");
    const document = { a: { canary: 0.5 }, b: { canary: 1 } };
    const first = await reader.read(bytesOf(document));
    expect(await reader.read(bytesOf(document))).toBe(first);
    const fault = await errorOf(reader, '{"a": {"canary": 01}}');
    expect(await errorOf(reader, '{"a": {"canary": 01}}')).toBe(fault);
  });

  test("an application whose text is the same has the same snapshot, whatever changes around it", async () => {
    const reader = new DocumentReader("r.json");
    const before = await reader.read(bytesOf({ a: { canary: 0.5 }, b: { canary: 1 } }));
    const [a, b] = [before.get("a"), before.get("b")];
    await errorOf(reader, '{"a": {"canary": 0.5}');
    const after = await reader.read(bytesOf({ new: { x: 1 }, b: { canary: 0.75 }, a: { canary: 0.5 } }));
    expect(after.get("a")).toBe(a as Snapshot);
    expect(after.get("b")).not.toBe(b as Snapshot);
    expect(valuesOf(after.get("b"))).toEqual({ canary: 0.75 });
    expect(valuesOf(after.get("gone"))).toEqual({});
    expect(after.get("gone")).toBe(before.get("new") as Snapshot);
  });
});

describe("a document is understood as JSON.parse does", () => {
  const WHOLE = [
    ...["{}", " \n{ \t}\r\n ", "\ufeff{}", '{"a":{}}', '{"a":{"canary":0.5},"a":{"canary":1}}'],
    ...[
      '{"__proto__":{"toString":1},"é\\u0041\\"}{":{"[\\\\":{"x":["}",{"y":"{"}]}}}',
      '{"a":1,"b":"x","c":null,"d":[]}',
    ],
    ...['{"a":{"b":1.5e-7},"c":{"d":-0}}', '{ "a" : { "b" : [ [ ] ] } , "" : { "" : "" } }'],
  ];

  test("random damage to sound documents", () => {
    holds(4_000, (random) => {
      const text = random.pick(WHOLE);
      const at = random.whole(0, text.length);
      const put = random.pick([
        "",
        "{",
        "}",
        "[",
        "]",
        '"',
        ",",
        ":",
        "\\",
        "0",
        "tru",
        " ",
        "\n",
        "\u0001",
        "é",
      ]);
      const damaged = text.slice(0, at) + put + text.slice(at + random.whole(0, 3));
      let expected: unknown;
      try {
        const parsed: unknown = JSON.parse(damaged.replace(/^\ufeff/, ""));
        expected =
          typeof parsed === "object" && parsed !== null && !Array.isArray(parsed) ? parsed : undefined;
      } catch {
        expected = undefined;
      }
      const reader = new DocumentReader("r.json");
      const read = Bun.peek(reader.read(Buffer.from(damaged)).catch((error: unknown) => error));
      // Short documents are understood within a slice, but the promise needs its turn.
      pending.push({ damaged, expected, read });
    });
  });

  const pending: { damaged: string; expected: unknown; read: unknown }[] = [];

  test("and says the same of each", async () => {
    expect(pending).toHaveLength(4_000);
    for (const { damaged, expected, read } of pending) {
      const answer = await read;
      if (expected === undefined) {
        if (!(answer instanceof StoreError)) throw new Error(`taken for a document: ${damaged}`);
        continue;
      }
      if (answer instanceof Error) throw new Error(`${damaged}: ${answer.message}`);
      for (const [name, records] of Object.entries(expected as object)) {
        const snapshot = (answer as { get(name: string): Snapshot | StoreError }).get(name);
        const isObject = typeof records === "object" && records !== null && !Array.isArray(records);
        expect(snapshot instanceof StoreError).toBe(!isObject);
        if (isObject) expect(valuesOf(snapshot)).toEqual({ ...records });
      }
    }
  });

  test("the place of a fault in a long document is its line and column", async () => {
    const lines = Array.from({ length: 20_000 }, (_, index) => `"app${index}": { "é": 0.5 }`);
    const text = (line: string) => `{\n${lines.with(17_000, line).join(",\n")}\n}`;
    const reader = new DocumentReader("r.json");
    const places = [
      ['"x": { "é": 0.5, }', ":17002:18: not JSON: expected a name in quotes"],
      ['"x": { "é": 01 }', ":17002:13: not JSON: expected a value"],
      ['"x" { "é": 0.5 }', ":17002:5: not JSON: expected :"],
      ['"x": { "é": 0.5 } 5', ":17002:19: not JSON: expected , or }"],
      ['"x": { "é": 0.5 }}, {', ":17002:19: not JSON: expected the end"],
      ['"x": { "é": 0.5 ', ":20002:2: not JSON: expected , or }"],
      ['"x": { "é": "0.5 }', ":17002:6: not JSON: the value that begins here has no end"],
    ] as const;
    for (const [line, message] of places)
      expect((await errorOf(reader, text(line))).message).toContain(message);
  });
});

describe("what is wrong with one application is its alone", () => {
  test.each([
    [
      "too long",
      { canary: { rollout: 1, note: "x".repeat(APPLICATION_BYTES_MAX) } },
      "longer than 262144 bytes",
    ],
    ["of too many values", { canary: { rollout: 1, list: Array(8_192).fill(0) } }, "more than 8192 values"],
    [
      "of too many escapes",
      { canary: { rollout: 1, note: "\\".repeat(APPLICATION_ESCAPES_MAX + 1) } },
      "more than 32768 backslashes",
    ],
    ["a text of too many escapes", "\n".repeat(APPLICATION_ESCAPES_MAX + 1), "more than 32768 backslashes"],
    ["a number", 0.25, "must be an object of versions"],
    ["a list", [], "must be an object of versions"],
  ])("%s", async (_, wrong, message) => {
    const answer = await new DocumentReader("r.json").read(bytesOf({ sound: { canary: 1 }, wrong }));
    expect(valuesOf(answer.get("sound"))).toEqual({ canary: 1 });
    expect(answer.get("wrong")).toMatchObject({
      code: "malformed",
      message: expect.stringContaining(message),
    });
  });

  test("a record may nest 32 levels and no more", async () => {
    const nested = (depth: number) => `{"a":{"canary":${"[".repeat(depth)}${"]".repeat(depth)}}}`;
    const reader = new DocumentReader("r.json");
    const fits = await reader.read(Buffer.from(nested(RECORD_DEPTH_MAX)));
    expect(fits.get("a")).toBeInstanceOf(Map);
    const over = await reader.read(Buffer.from(nested(RECORD_DEPTH_MAX + 1)));
    expect(over.get("a")).toMatchObject({
      code: "malformed",
      message: expect.stringContaining("more than 32 levels"),
    });
  });
});

describe("law 5: no document within its limits stalls visitors for more than 2 ms", () => {
  const fill = (length: number, item: (index: number) => string, separator = ",") =>
    Array.from({ length }, (_, index) => item(index)).join(separator);
  const within = (record: string) => `{"a":{"canary":${record}}}`;
  const documents: Readonly<Record<string, string>> = {
    "55 000 versions": `{"a":{${fill(55_000, (i) => `"v${i}":0.0001`)}}}`,
    "250 000 numbers": within(`[${fill(250_000, () => "0.1")}]`),
    "70 000 keys": within(`{${fill(70_000, (i) => `"k${i}":1`)}}`),
    "deep lists": within(`${"[".repeat(500_000)}${"]".repeat(500_000)}`),
    "many deep lists": within(`[${fill(15_000, () => `${"[".repeat(30)}${"]".repeat(30)}`)}]`),
    "open lists": "[".repeat(MEBIBYTE),
    "open lists of an application": `{"a":${"[".repeat(MEBIBYTE)}`,
    backslashes: `{"a":"${"\\".repeat(MEBIBYTE)}`,
    "cut off": `{"a":{"canary":{"note":"${"x".repeat(MEBIBYTE)}`,
    "blank lines": `{${"\n".repeat(MEBIBYTE)}"a":01}`,
    "no value but its beginning": `{"a":${"1".repeat(MEBIBYTE)}`,
    "applications with one name": `{${fill(32_768, () => '"":{}')}}`,
    "19 000 applications": `{${fill(19_000, (i) => `"app-${i}":{"canary":0.25}`)}}`,
    "the most versions": `{"a":{${fill(8_190, (i) => `"v${i}":0.1`)}}}`,
    "the most numbers": within(`[${fill(8_190, () => "0.1")}]`),
    "the most lists": within(`[${fill(8_190, () => "[]")}]`),
    "the longest text": within(`{"note":"${"\\\\".repeat(128 * 1024 - 20)}"}`),
    "the longest text with the most escapes": within(
      `{"note":"${"\\n".repeat(APPLICATION_ESCAPES_MAX)}${"x".repeat(APPLICATION_BYTES_MAX - 2 * APPLICATION_ESCAPES_MAX - 40)}"}`,
    ),
    "the longest text of awkward characters": within(`{"note":"${"\\u20ac".repeat(43_000)}"}`),
    "the longest text of other characters": within(`{"note":"${"€".repeat(87_000)}"}`),
    "the longest text, cut off": `{"a":{"note":"${"\\\\".repeat(128 * 1024 - 20)}"},"b":{`,
    "the longest number": within("1".repeat(APPLICATION_BYTES_MAX - 20)),
    "many of the longest": `{${fill(16, (i) => `"a${i}":{${fill(8_190, (v) => `"v${v}":0.1`)}}`)}}`,
    "a bad text among the longest": `{"a":{"note":"${"x".repeat(250_000)}\u0001"}}`,
    "a bad text of many escapes": `{"a":{"note":"${"\\n".repeat(APPLICATION_ESCAPES_MAX - 1)}${"x".repeat(196_000)}\\q"}}`,
    "a bad text of too many escapes": `{"a":{"note":"${"\\n".repeat(128 * 1024 - 20)}\\q"}}`,
    "a long name": `{"${"\\\\".repeat(2 * MEBIBYTE - 20)}":{}}`,
    "long words": `{"a":${"x".repeat(MEBIBYTE)}}`,
  };
  /** Other work of the machine stalls everyone as well. */
  const TURNS_MAX = 40;
  const MANY_TURNS = new Set([
    "blank lines",
    "applications with one name",
    "19 000 applications",
    "many of the longest",
  ]);
  for (const [name, text] of Object.entries(documents)) {
    test(name, async () => {
      const bytes = Buffer.from(text);
      const stall = () =>
        longestStall(
          async () => {
            const answer = await new DocumentReader("r.json").read(bytes).catch(() => undefined);
            await new Promise((resolve) => setImmediate(resolve));
            answer?.get("a");
          },
          MANY_TURNS.has(name) ? 3 : 0,
        );
      expect(await bestRound(stall, (ms) => ms < 2, TURNS_MAX)).toBeLessThan(2);
    });
  }
});
