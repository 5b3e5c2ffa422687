import { expect, test } from "bun:test";
import { type EtcdPlace, parsePlace } from "../../../src/stores/etcd/address.ts";

function place(scheme: "etcd" | "etcds", location: string): EtcdPlace {
  const parsed = parsePlace(scheme, location);
  if (typeof parsed === "string") throw new Error(parsed);
  return parsed;
}

test("several hosts, ports and a prefix are taken apart", () => {
  expect(place("etcd", "//one,two:2380,[::1]:80,[::2]/teams/a%20b/")).toEqual({
    shown: "etcd://one,two:2380,[::1]:80,[::2]/teams/a b",
    endpoints: ["http://one:2379", "http://two:2380", "http://[::1]:80", "http://[::2]:2379"],
    prefix: "/teams/a b",
    files: {},
  });
});

test.each(["//one", "//one/", "//one:2379//"])("etcd:%s has the prefix of everybody", (location) => {
  expect(place("etcd", location)).toMatchObject({
    endpoints: ["http://one:2379"],
    prefix: "/maxwells-daemon",
    shown: expect.stringMatching(/\/maxwells-daemon$/),
  });
});

test("user and password are decoded, and not shown", () => {
  const { login, shown } = place("etcds", "//ada:p%40ss%2F%3Aword@one/");
  expect(login).toEqual({ name: "ada", password: "p@ss/:word" });
  expect(shown).toBe("etcds://***@one/maxwells-daemon");
});

test("certificates are named as etcdctl names them", () => {
  expect(place("etcds", "//one/?cacert=/ca.pem&cert=/c.pem&key=/k.pem").files).toEqual({
    cacert: "/ca.pem",
    cert: "/c.pem",
    key: "/k.pem",
  });
});

test.each([
  "",
  "one",
  "//",
  "///",
  "//one,,two/",
  "//one:0/",
  "//one:99999/",
  "//one:x/",
  "//one/#x",
  "//ada@one/",
  "//:secret@one/",
  "//ada:se%cret@one/",
  "//ada:se/cret@one/",
  "//one/%",
  "//one/?cert=/c.pem&key=/k.pem",
  "//one/?colour=red",
  `//${"one,".repeat(16)}one/`,
])("etcd:%s is refused with the remedy, and nothing secret is repeated", (location) => {
  const wrong = parsePlace("etcd", location);
  expect(wrong).toBeString();
  expect(wrong).not.toContain("secret");
  expect(wrong).not.toContain("cret@");
});

test.each(["//one/?cert=/c.pem", "//one/?cacert="])("etcds:%s is refused", (location) => {
  expect(parsePlace("etcds", location)).toBeString();
});
