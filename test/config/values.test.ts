import { describe, expect, test } from "bun:test";
import { nearest } from "../../src/config/nearest.ts";
import { Problem } from "../../src/config/option.ts";
import { redactAddress } from "../../src/config/redact.ts";
import { parseDuration, parseRollout } from "../../src/config/values.ts";
import { rolloutText } from "../../src/text.ts";

describe("a rollout", () => {
  test.each<[string, number]>([
    ["5%", 0.05],
    ["5 %", 0.05],
    ["0.05", 0.05],
    [".05", 0.05],
    ["0%", 0],
    ["0", 0],
    ["100%", 1],
    ["1.0", 1],
    ["0.07%", 0.0007],
    ["33.3%", 0.333],
    ["12.5%", 0.125],
  ])("%s is %p", (text, rollout) => {
    expect(parseRollout(text)).toBe(rollout);
  });

  test.each<[string, string]>([
    ["5", "write 5% or 0.05"],
    ["1", "write 1%, or 100% for everyone"],
    ["50", "write 50% or 0.5"],
    ["101%", "from 0% to 100%"],
    ["1.01", "from 0% to 100%"],
    ["500", "from 0% to 100%"],
    ["0,05", "such as 5% or 0.05"],
    ["-0.1", "such as 5% or 0.05"],
    ["-5%", "such as 5% or 0.05"],
    ["NaN", "such as 5% or 0.05"],
    ["Infinity", "such as 5% or 0.05"],
    ["1e-2", "such as 5% or 0.05"],
    ["0x1", "such as 5% or 0.05"],
    ["", "such as 5% or 0.05"],
    ["%", "such as 5% or 0.05"],
    ["5%%", "such as 5% or 0.05"],
    [`0.${"9".repeat(1_000_000)}x`, "such as 5% or 0.05"],
  ])("%.20s is refused with a remedy", (text, remedy) => {
    const problem = parseRollout(text);
    expect(problem).toBeInstanceOf(Problem);
    expect((problem as Problem).message).toContain(remedy);
  });

  test.each<[number, string]>([
    [0.05, "5%"],
    [0.0007, "0.07%"],
    [0.29, "29%"],
    [1, "100%"],
    [1 / 3, "33.3333333333%"],
  ])("%p is shown as %s", (rollout, text) => {
    expect(rolloutText(rollout)).toBe(text);
  });
});

describe("a duration", () => {
  test.each<[string, number]>([
    ["0", 0],
    ["4s", 4_000],
    ["1m30s", 90_000],
    ["500ms", 500],
    [".5h", 1_800_000],
    ["1.5s", 1_500],
    ["1us", 0.001],
    ["1µs", 0.001],
    ["1h1m1s1ms", 3_661_001],
  ])("%s is %p ms", (text, ms) => {
    expect(parseDuration(text)).toBeCloseTo(ms, 9);
  });

  test.each([
    "",
    "4",
    "s",
    "4 s",
    "4s ",
    "-4s",
    "+4s",
    "4d",
    "4S",
    "4s4",
    "..5s",
    `${"1s".repeat(100_000)}x`,
  ])("%.20s is refused", (text) => {
    expect(parseDuration(text)).toBeInstanceOf(Problem);
  });
});

test.each([
  ["redis://user:password@host:1/0", "redis://***@host:1/0"],
  ["redis://:p@ss/w@host", "redis://***@host"],
  ["nats://token@host", "nats://***@host"],
  ["postgres://h/db?user=a&password=b&x=1", "postgres://h/db?user=***&password=***&x=***"],
  ["https://h/?access_token=b", "https://h/?access_token=***"],
  [
    "https://b.s3.amazonaws.com/r.json?X-Amz-Credential=a&X-Amz-Date=1&X-Amz-Security-Token=b&X-Amz-Signature=c",
    "https://b.s3.amazonaws.com/r.json?X-Amz-Credential=***&X-Amz-Date=***&X-Amz-Security-Token=***&X-Amz-Signature=***",
  ],
  [
    "https://a.blob.core.windows.net/r.json?sv=1&sig=b",
    "https://a.blob.core.windows.net/r.json?sv=***&sig=***",
  ],
  ["https://forge/r.json?private_token=a&ref=main", "https://forge/r.json?private_token=***&ref=***"],
  [
    "https://h/r?api_key=a&apikey=b&accesstoken=c&authToken=d&sessiontoken=e&jwt=f&AWSAccessKeyId=g",
    "https://h/r?api_key=***&apikey=***&accesstoken=***&authToken=***&sessiontoken=***&jwt=***&AWSAccessKeyId=***",
  ],
  ["https://h/r?s3cret", "https://h/r?***"],
  ["https://h/r?a=b=s3cret&&c=;d=e#f", "https://h/r?a=***&&c=;d=***#f"],
  ["https://h/r?a=s3cret?b=s3cret", "https://h/r?a=***"],
  ["https://u:p@h/r?a=s3cret@b", "https://***@b"],
  ["postgres://h/db?sslmode=require&sslrootcert=/a", "postgres://h/db?sslmode=require&sslrootcert=/a"],
  ["https://h/r.json?cert=s&host=s", "https://h/r.json?cert=***&host=***"],
  ["Endpoint=x;AccountKey=s", "Endpoint=x;AccountKey=***"],
  ["etcds://h/p?cacert=/a&cert=/b&key=/c", "etcds://h/p?cacert=/a&cert=/b&key=***"],
  ["Endpoint=sb://h;key=s3cret", "Endpoint=sb://h;key=***"],
  ["what is this?", "what is this?"],
  ["http://host/path@x", "http://host/path@x"],
  ["file:rollouts.json", "file:rollouts.json"],
  ["dynamodb://us-east-1/T", "dynamodb://us-east-1/T"],
  ["ada@example.org", "ada@example.org"],
])("%s is shown as %s", (address, shown) => {
  expect(redactAddress(address)).toBe(shown);
});

test("a misspelt name suggests the nearest one, and a wild one suggests none", () => {
  expect(nearest("delya", ["delay", "table"], "-")).toBe("; did you mean -delay?");
  expect(nearest("zzzzzz", ["delay", "table"])).toBe("");
  expect(nearest("x".repeat(1_000_000), ["delay"])).toBe("");
});
