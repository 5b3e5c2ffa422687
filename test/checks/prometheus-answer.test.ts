/** Any text has a result, and only one finite figure is a value. */

import { expect, test } from "bun:test";
import { readAnswer } from "../../src/checks/prometheus-answer.ts";
import { Random } from "../support/random.ts";

const vector = (...rows: readonly unknown[]) =>
  JSON.stringify({ status: "success", data: { resultType: "vector", result: rows } });
const row = (value: unknown) => ({ metric: {}, value: [1_700_000_000.1, value] });
const scalar = (value: unknown) =>
  JSON.stringify({ status: "success", data: { resultType: "scalar", result: [1, value] } });

test.each([
  [vector(row("0.004")), 0.004],
  [vector(row("-1.5e-07")), -1.5e-7],
  [vector(row("0")), 0],
  [scalar("42"), 42],
  [vector(row("3")).replace("{", '{"infos":["PromQL info: x"],"warnings":[],'), 3],
])("%p is a figure", (text, figure) => {
  expect(readAnswer(text)).toEqual({ figure });
});

test.each([
  [vector(), "no row"],
  [vector(row("1"), row("1")), "2 rows"],
  [vector(row("NaN")), "gives NaN"],
  [vector(row("+Inf")), "gives +Inf"],
  [vector(row("1e999")), "gives no figure"],
  [vector(row("0x10")), "gives no figure"],
  [vector(row("")), "gives no figure"],
  [vector(row("1\u001b[2J")), "gives no figure"],
  [vector(row(1)), "the row has no figure"],
  [vector({ metric: {}, histogram: [1, { count: "5" }] }), "histogram_quantile"],
  [vector(null), "the row has no figure"],
  [scalar("NaN"), "gives NaN"],
  [JSON.stringify({ status: "success", data: { resultType: "matrix", result: [] } }), "neither an instant"],
  [
    JSON.stringify({ status: "success", data: { resultType: "string", result: [1, "1"] } }),
    "neither an instant",
  ],
  [JSON.stringify({ status: "success", data: { resultType: "vector", result: {} } }), "neither an instant"],
  [JSON.stringify({ status: "success" }), "neither an instant"],
  [JSON.stringify({ status: "ok", data: {} }), "check url"],
  ["{}", "check url"],
  ["null", "check url"],
  ["", "check url"],
  ["<html>login</html>", "check url"],
  [vector(row("1")).slice(0, -1), "check url"],
])("%p is not a figure", (text, why) => {
  expect(readAnswer(text)).toMatchObject({ why: expect.stringContaining(why) });
});

test("a deep answer is not a figure", () => {
  for (const text of ["[".repeat(60_000), `${"[".repeat(30_000)}${"]".repeat(30_000)}`]) {
    expect(readAnswer(text)).toMatchObject({ why: expect.stringContaining("check url") });
  }
});

test("errors and warnings carry the server's own words apart", () => {
  const error = { status: "error", errorType: "bad_data", error: "parse error" };
  expect(readAnswer(JSON.stringify(error))).toEqual({
    why: "Prometheus refuses the query",
    said: "bad_data: parse error",
  });
  const warned = vector(row("0.001")).replace("{", '{"warnings":["remote_read: gone"],');
  expect(readAnswer(warned)).toMatchObject({ said: "remote_read: gone" });
  expect(readAnswer(warned)).not.toHaveProperty("figure");
});

test("an answer that is cut off never gives a figure", () => {
  const text = vector(row("0.004"));
  for (let length = 0; length < text.length; length++) {
    expect(readAnswer(text.slice(0, length))).not.toHaveProperty("figure");
  }
});

test("bytes that are lost give no figure, or one that is written there", () => {
  const random = new Random();
  const text = vector(row("0.004"));
  for (let i = 0; i < 20_000; i++) {
    const at = random.whole(0, text.length - 1);
    const rest = text.slice(0, at) + text.slice(at + random.whole(1, 8));
    const answer = readAnswer(rest);
    if (!("figure" in answer)) continue;
    expect(rest.split('"').map(Number)).toContain(answer.figure);
  }
});
