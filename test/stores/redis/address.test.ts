import { expect, test } from "bun:test";
import { parsePlace, shownPlace } from "../../../src/stores/redis/address.ts";

test.each([
  ["//cache", { host: "cache", port: 6379, database: 0 }],
  ["//cache/", { host: "cache", port: 6379, database: 0 }],
  ["//cache:7000/3", { host: "cache", port: 7000, database: 3 }],
  ["//cache:443", { host: "cache", port: 443, database: 0 }],
  ["//[::1]:7000", { host: "::1", port: 7000, database: 0 }],
  ["//:p%40ss%2F@cache", { host: "cache", login: { user: "", password: "p@ss/" } }],
  ["//ada:p%3A@cache:1/1", { host: "cache", port: 1, database: 1, login: { user: "ada", password: "p:" } }],
])("redis:%s is understood", (location, place) => {
  const parsed = parsePlace("redis", location);
  expect(parsed).toMatchObject({ isTls: false, ...place });
  if (!("login" in place)) expect(parsed?.login).toBeUndefined();
  expect(parsePlace("rediss", location)?.isTls).toBe(true);
});

test.each([
  ...["", "cache", "/cache", "//", "//cache/x", "//cache/1/2", "//cache/-1", "//cache:port", "//cache:99999"],
  ...["//ada@cache", "//ada:%E0%A4%A@cache", "//cache?db=1", "//cache#1", "//a b"],
])("redis:%s is refused", (location) => {
  expect(parsePlace("redis", location)).toBeUndefined();
});

test("a place is shown without its login", () => {
  const shown = (scheme: "redis" | "rediss", location: string) => {
    const place = parsePlace(scheme, location);
    return place === undefined ? undefined : shownPlace(place);
  };
  expect(shown("redis", "//cache")).toBe("redis://cache:6379/0");
  expect(shown("rediss", "//ada:secret@[::1]/2")).toBe("rediss://***@[::1]:6379/2");
});
