/** The checks of releases, as `maxwells-daemon check` shows them. */

import { expect, test } from "bun:test";
import { writeFileSync } from "node:fs";
import { run, temporaryDirectory } from "../../run.ts";

const FILE = `
[checks.errors]
kind = "prometheus"
url = "https://prometheus.internal:9090/tenant?key=correct-horse"
query = "vector(0)"
go = "< 0.01"
token = "file:/run/token"

[checks.gate]
kind = "webhook"
url = "http://gate.internal/hooks/correct-horse"
every = "1m30s"
headers = { X-Key = "correct-horse" }
`;

test("check shows the kind, the program and the interval of each check, and no secret", async () => {
  using directory = temporaryDirectory();
  const path = directory.path("md.toml");
  writeFileSync(path, FILE);
  const { status, stdout } = await run(["check", "-config", path]);
  expect(status).toBe(0);
  expect(stdout).toMatch(
    /^checks\.errors +prometheus https:\/\/prometheus\.internal:9090 every 30\.0s +file .*md\.toml: checks$/m,
  );
  expect(stdout).toMatch(/^checks\.gate +webhook http:\/\/gate\.internal every 1m30s /m);
  const json = await run(["check", "-config", path, "-o", "json"]);
  expect(`${stdout}${json.stdout}`).not.toContain("correct-horse");
});

test("a mistake in a check stops the daemon's settings, and no command that reads no checks", async () => {
  using directory = temporaryDirectory();
  const path = directory.path("md.toml");
  writeFileSync(path, FILE.replace("< 0.01", "small").replace("1m30s", "1"));
  const { status, stderr } = await run(["check", "-config", path]);
  expect(status).toBe(2);
  expect(stderr).toContain('md.toml: checks.errors.go: "small": write <, <=, > or >= and a number');
  expect(stderr).toContain('md.toml: checks.gate.every: "1": write a duration');
  expect((await run(["get", "-config", path, "-store", "constant:0.5"])).status).toBe(0);
});
