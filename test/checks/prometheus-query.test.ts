import { expect, test } from "bun:test";
import { fillQuery, parseQuery, QUERY_BYTES_MAX } from "../../src/checks/prometheus-query.ts";
import { Problem } from "../../src/config/option.ts";
import { SUBJECT } from "../support/checks.ts";

const QUERY = 'sum(errors{app="{{application}}", version="{{ version }}", of=~"{{of}}-.*"})';

test("names stand for those of the release", () => {
  expect(parseQuery(QUERY)).toBe(QUERY);
  expect(fillQuery(QUERY, SUBJECT)).toBe('sum(errors{app="website", version="canary", of=~"v42-.*"})');
});

test("a label matcher with one brace is left as it is", () => {
  const query = 'up{job="a"} and on() {b="c"}';
  expect(parseQuery(query)).toBe(query);
  expect(fillQuery(query, SUBJECT)).toBe(query);
});

test.each(['v"} or vector(0)', "v\\", "v'", "v`", "{{of}}", "v\n", "ü"])(
  "a release named %p cannot change the query",
  (of) => {
    const filled = fillQuery(QUERY, { ...SUBJECT, of });
    expect(filled).toBeInstanceOf(Problem);
    expect((filled as Problem).message).toContain("does not fit into a query; use letters, digits");
  },
);

test("an unknown name is refused with the nearest one", () => {
  expect((parseQuery("up{v='{{verson}}'}") as Problem).message).toBe(
    "{{verson}}: write {{application}}, {{version}}, {{of}}; did you mean version?",
  );
});

test("a query has a limit, also after the names are filled in", () => {
  const room = QUERY_BYTES_MAX - "query=".length;
  expect(parseQuery("a".repeat(room))).toBeString();
  expect(parseQuery("a".repeat(room + 1))).toBeInstanceOf(Problem);
  expect(parseQuery("€".repeat(room / 9 + 1))).toBeInstanceOf(Problem);
  const long = `${"a".repeat(room - 40)}{{of}}`;
  expect(fillQuery(long, SUBJECT)).toBeString();
  expect(fillQuery(long, { ...SUBJECT, of: "v".repeat(60) })).toBeInstanceOf(Problem);
});
