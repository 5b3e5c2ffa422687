/** Checks as a configuration file gives them. */

import { describe, expect, test } from "bun:test";
import { CHECK_KINDS } from "../../src/checks/list.ts";
import { COMMON_KEYS } from "../../src/checks/named-checks.ts";
import { checksOf, problemsOf } from "../support/checks.ts";

const ERRORS = `
  kind = "prometheus"
  url = "http://prometheus.internal:9090/tenant/"
  query = "sum(rate(errors[5m]))"
  go = "< 0.01"
`;
const GATE = `
  kind = "webhook"
  url = "https://gate.internal/hook?token=hush"
`;

test("a table gives all that a check has", () => {
  const file = `
    [checks.errors]${ERRORS}
    harm = "> 0.05"
    harm-after = 3
    every = "1m"
    timeout = "2s"
    [checks."gate.2"]${GATE}`;
  expect(checksOf(file)).toMatchObject([
    {
      ...{ name: "errors", kind: "prometheus", target: "http://prometheus.internal:9090" },
      ...{ everyMs: 60_000, timeoutMs: 2_000, harmAfter: 3 },
    },
    {
      ...{ name: "gate.2", kind: "webhook", target: "https://gate.internal", harmAfter: 1 },
      ...{ everyMs: 30_000, timeoutMs: 10_000 },
    },
  ]);
});

test("two answers in a row are harm by default, and an evaluation never lasts longer than every", () => {
  expect(checksOf(`[checks.a]${ERRORS}every = "4s"`)).toMatchObject([{ harmAfter: 2, timeoutMs: 4_000 }]);
  expect(checksOf(`[checks.a]${ERRORS}harm = "> 1"\nharm-after = "1"`)).toMatchObject([{ harmAfter: 1 }]);
});

test("all problems of all tables are named at once, each with its key and a remedy", () => {
  const file = `
    [checks.errors]
    kind = "prometheus"
    url = "prometheus:9090"
    querry = "up"
    go = "less"
    harm-after = 0
    every = "500ms"
    timeout = 5
    token = "hush"
    login = "env:MAXWELLS_DAEMON_LOGIN"
    headers = { Authorization = "Bearer hush", Host = "a", "b c" = "d", X-A = "ü" }
    [checks.gate]
    kind = "webhok"
    [checks.hook]
    kind = "webhook"
    type = "event"
    metadata = ["a"]
    timeout = "1m"
    [checks."-x"]${GATE}`;
  expect(problemsOf(file)).toEqual([
    'checks.errors.every: "500ms": write a duration from 1s to 1h',
    "checks.errors.timeout: write a string, in quotes",
    "checks.errors.querry: no such key; did you mean query?",
    'checks.errors.url: "prometheus:9090": write a web address, such as https://HOST/PATH',
    "checks.errors.token: write env:NAME or file:PATH, because a secret does not belong into this file",
    "checks.errors.login: take a variable that does not begin with MAXWELLS_DAEMON_",
    "checks.errors.login: token is set too, and one request has only one of them; remove one",
    "checks.errors.headers.Authorization: name the place of the secret with token or login",
    "checks.errors.headers.Host: the daemon sets this header itself; remove it",
    "checks.errors.headers.b c: write the name of a header",
    "checks.errors.headers.X-A: write one line of ASCII",
    "checks.errors.query: this key is missing; write it, such as 'sum(rate(errors[5m]))'",
    'checks.errors.go: "less": write <, <=, > or >= and a number, such as "< 0.01"',
    "checks.errors.harm-after: write a whole number from 1 to 100",
    "checks.errors.harm-after: it counts only beside harm; write harm too, or remove it",
    'checks.gate.kind: "webhok": write prometheus, webhook; did you mean webhook?',
    "checks.hook.timeout: it is longer than every; write a longer every",
    'checks.hook.url: this key is missing; write it, such as "http://flagger-loadtester.test/gate/check"',
    "checks.hook.type: this hook decides nothing; write one of confirm-rollout, pre-rollout, rollout, " +
      "confirm-traffic-increase, confirm-promotion, rollback",
    'checks.hook.metadata: write a table of strings: { name = "value" }',
    'checks.-x: write a name of at most 64 letters, digits, ".", "-" and "_"',
  ]);
});

describe("a value that makes no sense is refused", () => {
  test.each([
    ["some figures are both < 0.01 and > 0.005", `[checks.a]${ERRORS}harm = "> 0.005"`],
    [
      "write the address without /api/v1/query",
      `[checks.a]${ERRORS.replace("9090/tenant/", "9090/api/v1/query")}`,
    ],
    ['login = "file:PATH"', `[checks.a]${ERRORS.replace("//", "//ada:hush@")}`],
    ["checks.a.harm: no such key", `[checks.a]${GATE}harm = "> 1"`],
    ["from 1s to 1h", `[checks.a]${GATE}every = "61m"`],
    ["from 100ms to 10m", `[checks.a]${GATE}timeout = "50ms"`],
    ["write env:NAME", `[checks.a]${GATE}token = "env:a b"`],
    ["write file:PATH", `[checks.a]${GATE}token = "file:"`],
    ["checks.a.metadata.a: write a string", `[checks.a]${GATE}metadata = { a = ["b"] }`],
    ["checks.a.kind: this key is missing", "[checks.a]"],
    ["checks: write tables, each with a name: [checks.NAME]", "[checks]\nkind = 'webhook'"],
    ["check: no such setting; did you mean checks?", "[check.a]"],
  ])("%s", (message, file) => {
    const problems = problemsOf(file);
    expect(problems).toHaveLength(1);
    expect(problems[0]).toContain(message);
    expect(problems[0]).not.toContain("hush");
  });
});

test("the keys of a kind are named once", () => {
  for (const { keys } of CHECK_KINDS) {
    const names = [...COMMON_KEYS, ...keys].map(({ name }) => name);
    expect(names).toEqual([...new Set(names)]);
  }
});
