/** A line of an HTTP head in its two parts. */

import { describe, expect, test } from "bun:test";
import { readAdminRequest } from "../../src/admin/request.ts";
import { Incoming } from "../../src/intake/http/incoming.ts";
import { headerField } from "../../src/text/header-field.ts";
import { processorMs } from "../support/processor.ts";

test("the value of a field has no spaces and tabs around it, and keeps those within", () => {
  expect(headerField("Host:shop")).toEqual(["Host", "shop"]);
  expect(headerField("Host: \t a \t b\t ")).toEqual(["Host", "a \t b"]);
  expect(headerField("Empty: \t ")).toEqual(["Empty", ""]);
  expect(headerField("Name : \u00a0x")).toEqual(["Name ", "\u00a0x"]);
});

test("a line without a colon, or with a lone CR or LF, is not a field", () => {
  for (const line of ["", "shop", "a: b\nc: d", "a: b\rc", "a\n: b"])
    expect(headerField(line)).toBeUndefined();
});

describe("law 5: a run of spaces in a field takes no more time than other characters,", () => {
  const BYTES = 8_000;
  const TIMES = 20;
  /** A pattern that looks at the spaces again and again takes more than half a second. */
  const MS_MAX = 200;
  const head = `Host: x\r\nContent-Length: 0\r\nA: x${" ".repeat(BYTES)}x`;
  const timeOf = (read: () => void) => {
    const before = processorMs();
    for (let time = 0; time < TIMES; time++) read();
    return processorMs() - before;
  };

  test("at the admin listener", () => {
    const read = () =>
      expect(readAdminRequest(`GET / HTTP/1.1\r\n${head}`)?.headers.get("a")).toHaveLength(BYTES + 2);
    expect(timeOf(read)).toBeLessThan(MS_MAX);
  });

  test("at the door of outcomes", () => {
    const bytes = Buffer.from(`POST / HTTP/1.1\r\n${head}\r\n\r\n`);
    expect(timeOf(() => expect(new Incoming().advance(bytes)).toBeTrue())).toBeLessThan(MS_MAX);
  });
});
