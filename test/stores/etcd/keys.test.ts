import { expect, test } from "bun:test";
import { applicationOf, fromBase64, keyOf, toBase64, versionOf } from "../../../src/stores/etcd/keys.ts";

const PREFIX = "/maxwells-daemon";

test("a key is written as people write it", () => {
  expect(fromBase64(keyOf(PREFIX, "my website", "canary"))).toBe("/maxwells-daemon/my website/canary");
});

test.each(["website", "a/b", "100%", "%2F", "%252F", "", " ", "é€😀", "__proto__", "a\0b", "..", "/", "0"])(
  "the name %j comes back from its key",
  (name) => {
    const key = keyOf(PREFIX, name, name);
    expect(applicationOf(PREFIX, key)).toBe(name);
    expect(versionOf(PREFIX, name, key)).toBe(name);
  },
);

test.each(["/maxwells-daemon", "/maxwells-daemon/x", "/maxwells-daemonx/y/z", "/maxwells-daemon/10%/canary"])(
  "%s is not a key of an application",
  (key) => {
    expect(applicationOf(PREFIX, toBase64(key))).toBeUndefined();
  },
);

test("a version that is spelt in no way of ours has the name that lies there", () => {
  expect(versionOf(PREFIX, "website", toBase64("/maxwells-daemon/website/a/b%"))).toBe("a/b%");
});
