/** Every kind of the lists has its page, which an index links to, and its test. */

import { describe, expect, test } from "bun:test";
import { existsSync, readFileSync } from "node:fs";
import { join } from "node:path";
import { LEASES } from "../src/leases/list.ts";
import { SERVERS } from "../src/servers/list.ts";
import { STORES } from "../src/stores/list.ts";

const ROOT = join(import.meta.dir, "..");

const ROOMS = [
  { room: "stores", names: STORES.map(fileOf), pages: "docs/stores", index: "docs/stores/README.md" },
  {
    room: "servers",
    names: SERVERS.map(({ name }) => name),
    pages: "docs/protocol",
    index: "docs/README.md",
  },
  { room: "leases", names: LEASES.map(({ name }) => name), pages: "docs/protocol", index: "docs/README.md" },
];

/** The file of a store's kind. A scheme with TLS, such as `rediss`, shares it with the scheme without. */
function fileOf({ name }: { readonly name: string }): string {
  // Another spelling of the same address.
  if (name === "mysql") return "mariadb";
  const plain = name.replace(/s$/, "");
  return STORES.some((other) => other.name === plain) ? plain : name;
}

test.each(STORES.filter(({ name }) => /^(constant|file|https?)$/.test(name)))(
  "the kind $name is read-only exactly if its stores cannot be written",
  async ({ name, isReadOnly, open }) => {
    const location = { constant: "0.25", file: "/nowhere/rollouts.json" }[name] ?? "//localhost/x.json";
    const environment = {};
    const store = await open({ location, table: "", region: "", environment, warn: () => {} });
    expect(store.write === undefined).toBe(isReadOnly === true);
    await store.close();
  },
);

describe.each(ROOMS)("$room", ({ room, names, pages, index }) => {
  test.each(names)("%s has a page, a link to the page, and a test", (name) => {
    const missing = [`src/${room}/${name}.ts`, `${pages}/${name}.md`, `test/${room}/${name}.test.ts`].filter(
      (path) => !existsSync(join(ROOT, path)),
    );
    expect(missing, "write these files").toEqual([]);
    const link = `${pages}/${name}.md`.slice(index.lastIndexOf("/") + 1);
    expect(readFileSync(join(ROOT, index), "utf8"), `link to the page in ${index}`).toContain(`](${link})`);
  });
});
