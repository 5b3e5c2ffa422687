/** The signature, against the library of standard webhooks itself. */

import { describe, expect, test } from "bun:test";
import { randomBytes } from "node:crypto";
import { Webhook } from "standardwebhooks";
import { Problem } from "../../src/config/option.ts";
import { readSecret, signedHeaders } from "../../src/notices/signature.ts";
import { SECRET } from "./world.ts";

function keyOf(secret: string): Uint8Array {
  const key = readSecret(secret);
  if (key instanceof Problem) throw new Error(key.message);
  return key;
}

const OTHER = `whsec_${randomBytes(64).toString("base64")}`;

describe("a signed notice", () => {
  const body = '{"of":"v42 → ✓"}';
  const nowMs = Date.now();

  test("is verified by the library, with each secret that signed it", () => {
    const headers = signedHeaders("id-4", nowMs, body, [keyOf(SECRET), keyOf(OTHER)]);
    expect(new Webhook(SECRET).verify(body, headers)).toEqual({ of: "v42 → ✓" });
    expect(new Webhook(OTHER).verify(body, headers)).toEqual({ of: "v42 → ✓" });
    expect(headers["webhook-signature"]).toMatch(/^v1,\S{44} v1,\S{44}$/);
  });

  test("is refused by the library if a secret, the body, the id or the time is another one", () => {
    const headers = signedHeaders("id-4", nowMs, body, [keyOf(SECRET)]);
    expect(() => new Webhook(OTHER).verify(body, headers)).toThrow("No matching signature");
    expect(() => new Webhook(SECRET).verify(`${body} `, headers)).toThrow("No matching signature");
    expect(() => new Webhook(SECRET).verify(body, { ...headers, "webhook-id": "id-5" })).toThrow();
    const later = { ...headers, "webhook-timestamp": String(Math.floor(nowMs / 1_000) + 1) };
    expect(() => new Webhook(SECRET).verify(body, later)).toThrow("No matching signature");
    const old = signedHeaders("id-4", nowMs - 3_600_000, body, [keyOf(SECRET)]);
    expect(() => new Webhook(SECRET).verify(body, old)).toThrow("too old");
  });
});

describe("a secret", () => {
  test.each([24, 32, 64])("of %i bytes is read, with and without padding", (length) => {
    const bytes = randomBytes(length);
    const text = `whsec_${bytes.toString("base64")}`;
    expect(Buffer.from(keyOf(text))).toEqual(bytes);
    expect(Buffer.from(keyOf(text.replace(/=+$/, "")))).toEqual(bytes);
  });

  test.each([
    ["too short", `whsec_${randomBytes(23).toString("base64")}`],
    ["too long", `whsec_${randomBytes(65).toString("base64")}`],
    ["without its prefix", SECRET.slice("whsec_".length)],
    ["of the asymmetric kind", SECRET.replace("whsec_", "whsk_")],
    ["with other characters", `${SECRET}!!!!`],
    ["with a space", SECRET.replace("8", " ")],
    ["that is empty", ""],
  ])("%s is a problem, which does not repeat it", (_, text) => {
    const problem = readSecret(text);
    expect(problem).toBeInstanceOf(Problem);
    if (text.length > 6) expect((problem as Problem).message).not.toContain(text.slice(6));
    expect((problem as Problem).message).toContain("openssl rand -base64 32");
  });
});
