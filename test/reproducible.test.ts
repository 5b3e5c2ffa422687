/** The same sources give the same packages, byte for byte, at another time and for another user's umask. */

import { afterAll, expect, test } from "bun:test";
import { mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { entriesOf, KINDS, packageOf } from "../scripts/package.ts";
import { PROGRAM } from "../src/cli/command.ts";
import { packageNamed, packagesDirectory } from "./support/packages.ts";

const PATIENCE_MS = 240_000;
const DATE = new Date("2026-11-30T12:00:00Z");

const missing = ["buildah", "dpkg"].filter((tool) => Bun.which(tool) === null);
if (missing.length > 0 && process.env["CI"]) throw new Error(`missing: ${missing.join(", ")}`);

/** The archive for musl is packed like the other one, and its executable would be built each time. */
const PACKED = KINDS.filter((kind) => kind !== "musl");

const directory = mkdtempSync(join(tmpdir(), "reproducible-"));
afterAll(() => rmSync(directory, { recursive: true }));

test.skipIf(missing.length > 0)(
  "two runs give the same bytes",
  async () => {
    await packagesDirectory();
    const first = await packAll("first");
    const second = await packAll("second", { umask: 0o077, zone: "Asia/Tokyo" });
    expect(first.size).toBe(PACKED.length);
    expect(second).toEqual(first);
  },
  PATIENCE_MS,
);

test("the date of the sources is in them, and not the name of this machine", () => {
  if (missing.length > 0 || Bun.which("rpm") === null) return;
  const rpm = packageNamed(join(directory, "first"), ".rpm");
  const shown = Bun.spawnSync(["rpm", "-qp", "--qf", "%{BUILDHOST} %{BUILDTIME}", rpm]);
  expect(String(shown.stdout)).toBe(`localhost ${DATE.getTime() / 1000}`);
});

/** Makes all packages, with a small program in place of the large one; the checksums by the files' names. */
async function packAll(
  name: string,
  { umask, zone }: { umask?: number; zone?: string } = {},
): Promise<Map<string, string>> {
  const target = join(directory, name);
  mkdirSync(target);
  const before = { umask: process.umask(umask ?? 0o022), zone: process.env["TZ"] };
  if (zone !== undefined) process.env["TZ"] = zone;
  try {
    const entries = entriesOf(DATE).map((entry) =>
      entry.dst === `/usr/bin/${PROGRAM}` ? { ...entry, src: "/usr/bin/env" } : entry,
    );
    for (const kind of PACKED) await packageOf(kind, { entries, date: DATE, target });
  } finally {
    process.umask(before.umask);
    if (before.zone === undefined) delete process.env["TZ"];
    else process.env["TZ"] = before.zone;
  }
  const sum = (file: string) =>
    new Bun.CryptoHasher("sha256").update(readFileSync(join(target, file))).digest("hex");
  return new Map(
    readdirSync(target)
      .toSorted()
      .map((file) => [file, sum(file)]),
  );
}
