import { expect, test } from "bun:test";
import { NO_NETWORK, networkOf } from "../../src/evidence/network.ts";
import { isInShare } from "../../src/evidence/share.ts";
import { Random } from "../support/random.ts";

const of = (source: string | undefined, seed = 42) => networkOf(source, seed);

test("a network is a /24 of IPv4, and a /48 of IPv6", () => {
  expect(of("192.0.2.1")).toBe(of("192.0.2.254"));
  expect(of("192.0.2.1")).not.toBe(of("192.0.3.1"));
  expect(of("::ffff:192.0.2.9")).toBe(of("192.0.2.1"));
  for (const same of [
    "2001:db8:7:1::1",
    "2001:db8:7::",
    "2001:DB8:7:ffff:1:2:3:4",
    "2001:0db8:0007::%eth0",
  ]) {
    expect([same, of(same)]).toEqual([same, of("2001:db8:7::1")]);
  }
  expect(of("2001:db8:8::1")).not.toBe(of("2001:db8:7::1"));
  expect(of("2001:db8::7:0:0:0:1")).toBe(of("2001:db8:0:7::1"));
  expect(of("2001::8:2:3:4:5:6")).toBe(of("2001:0:8::"));
  expect(of("::1")).toBe(of("0:0:0:5::"));
  expect(of("1::")).not.toBe(of("::1"));
});

test("the same network has another number in another release", () => {
  expect(of("192.0.2.1", 1)).not.toBe(of("192.0.2.1", 2));
  expect(of("2001:db8::1", 1)).not.toBe(of("2001:db8::1", 2));
});

test("a text that cannot be an address has no network", () => {
  for (const text of [
    undefined,
    "",
    "unix:",
    "localhost",
    "192.0.2",
    "192.0.2.256",
    "1.2.3.4.5",
    "g::1",
    "12345::",
  ]) {
    expect([text, of(text)]).toEqual([text, NO_NETWORK]);
  }
});

test("networks of a million addresses rarely meet", () => {
  const networks = new Set<number>();
  for (let a = 0; a < 256; a++) for (let b = 0; b < 256; b++) networks.add(of(`10.${a}.${b}.1`));
  expect(networks.size).toBeGreaterThan(65_536 - 8);
});

test("OUT-26: the share of one in ten takes the assignments whose sixth decimal is 0", () => {
  const random = new Random();
  let taken = 0;
  for (let each = 0; each < 20_000; each++) {
    const digits = random.digits(15);
    const isTaken = isInShare(Number(`0.${digits}`), 0.1);
    expect([digits, isTaken]).toEqual([digits, digits[5] === "0"]);
    if (isTaken) taken++;
  }
  expect(Math.abs(taken - 2_000)).toBeLessThan(300);
  expect(isInShare(0.123459999, 1)).toBe(true);
});
