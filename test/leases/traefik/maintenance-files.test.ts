import { expect, test } from "bun:test";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { MaintenanceFiles } from "../../../src/leases/traefik/maintenance-files.ts";
import { eventually } from "../../support/eventually.ts";

test("law 8: a disk that does not say whether the file is there ends no maintenance, and begins none", async () => {
  const directory = mkdtempSync(join(tmpdir(), "maintenance-"));
  const begun: string[] = [];
  const files = new MaintenanceFiles(directory, ["app", "web", "next"], (application) => {
    begun.push(application);
  });
  try {
    writeFileSync(join(directory, "app"), "");
    symlinkSync("web", join(directory, "web"));
    await files.start();
    rmSync(join(directory, "app"));
    symlinkSync("app", join(directory, "app"));
    // Two looks later.
    writeFileSync(join(directory, "next"), "");
    await eventually(async () => files.has("next"), "the next look");
    rmSync(join(directory, "next"));
    await eventually(async () => !files.has("next"), "the look after it");
    expect([files.has("app"), files.has("web"), begun]).toEqual([true, false, ["app", "next"]]);
    rmSync(join(directory, "app"));
    await eventually(async () => !files.has("app"), "the end of maintenance");
  } finally {
    files.close();
    rmSync(directory, { recursive: true });
  }
});
