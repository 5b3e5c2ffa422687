import { expect, test } from "bun:test";
import { loginFor, type NatsPlace, parsePlace } from "../../../src/stores/nats/address.ts";
import { redactAddress } from "../../../src/text/redact.ts";

function place(scheme: "nats" | "natss", location: string): NatsPlace {
  const parsed = parsePlace(scheme, location);
  if (typeof parsed === "string") throw new Error(parsed);
  return parsed;
}

test("several hosts, ports and a bucket are taken apart", () => {
  expect(place("nats", "//one,two:4223,[::1]:80/teams_a")).toEqual({
    shown: "nats://one,two:4223,[::1]:80/teams_a",
    hosts: [
      { hostname: "one", port: 4222 },
      { hostname: "two", port: 4223 },
      { hostname: "::1", port: 80 },
    ],
    isTls: false,
    bucket: "teams_a",
    files: {},
  });
});

test.each(["//one", "//one/", "//one:4222/"])("nats:%s has the bucket maxwells-daemon", (location) => {
  expect(place("nats", location)).toMatchObject({
    hosts: [{ hostname: "one", port: 4222 }],
    bucket: "maxwells-daemon",
    shown: expect.stringMatching(/\/maxwells-daemon$/),
  });
});

test("logins are decoded, and not shown", () => {
  expect(place("nats", "//ada:p%40ss%2F%3Aword@one")).toMatchObject({
    login: { user: "ada", password: "p@ss/:word" },
    shown: "nats://***@one/maxwells-daemon",
  });
  expect(place("natss", "//s3cr%25t@one")).toMatchObject({
    login: { token: "s3cr%t" },
    shown: "natss://***@one/maxwells-daemon",
  });
  expect(place("nats", "//one?creds=/etc/user.creds").login).toEqual({ credsPath: "/etc/user.creds" });
  expect(place("nats", "//one?nkey=/etc/user.nk").login).toEqual({ nkeyPath: "/etc/user.nk" });
});

test("files of TLS are for natss only, and a certificate comes with its key", () => {
  expect(place("natss", "//one/?cacert=/ca.pem&cert=/c.pem&key=/k.pem").files).toEqual({
    cacert: "/ca.pem",
    cert: "/c.pem",
    key: "/k.pem",
  });
  expect(parsePlace("nats", "//one/?cacert=/ca.pem")).toBeString();
  expect(parsePlace("natss", "//one/?cert=/c.pem")).toBeString();
});

test.each([
  ["no host", "//"],
  ["no slashes", "one"],
  ["a port that is none", "//one:99999"],
  ["a bucket with a point", "//one/my.bucket"],
  ["a bucket with a slash", "//one/my/bucket"],
  ["half a login", "//ada:@one"],
  ["two logins", "//ada:secret-word@one?creds=/x"],
  ["a wrong percent sign", "//a%zz:secret-word@one"],
  ["an unknown parameter", "//one?password=secret-word"],
  ["too many hosts", `//${Array(17).fill("one").join(",")}`],
])("%s is refused with a remedy, and without secrets", (_name, location) => {
  const message = parsePlace("nats", location);
  expect(message).toBeString();
  expect(message).not.toContain("secret-word");
});

test("without a login in the address, the variables of the tool nats count", () => {
  const plain = place("nats", "//one");
  expect(loginFor(plain, {})).toBeUndefined();
  expect(loginFor(plain, { NATS_USER: "ada", NATS_PASSWORD: "x" })).toEqual({ user: "ada", password: "x" });
  expect(loginFor(plain, { NATS_USER: "ada" })).toBeUndefined();
  expect(loginFor(plain, { NATS_TOKEN: "x" })).toEqual({ token: "x" });
  expect(loginFor(plain, { NATS_NKEY: "/x" })).toEqual({ nkeyPath: "/x" });
  expect(loginFor(plain, { NATS_CREDS: "/x", NATS_TOKEN: "y" })).toEqual({ credsPath: "/x" });
  const own = place("nats", "//bob:y@one");
  expect(loginFor(own, { NATS_CREDS: "/x" })).toEqual({ user: "bob", password: "y" });
});

test("a shown address has no token", () => {
  expect(redactAddress("nats://s3cret@one/maxwells-daemon")).not.toContain("s3cret");
});
