/** The configuration of the demo's nginx: the shipped files, without a place of another nginx or daemon. */

import { expect, test } from "bun:test";
import { nginxConfiguration } from "../../src/demo/nginx-files.ts";

const PARTS = {
  directory: "/run/website/demo",
  application: "shop",
  masterPort: 20_001,
  canaryPort: 20_002,
  socket: "/run/website/demo/daemon.sock",
  httpPort: 20_003,
  outcomesPort: 20_004,
  maintenanceFile: "/run/website/demo/state/maintenance/shop",
};

test("has only the places of the demo, also if its directory has the name of the shipped site", () => {
  const text = nginxConfiguration(PARTS, { port: 20_005, standInPort: 20_006 });
  const lines = text.split("\n").filter((line) => !/^\s*#/.test(line));
  const code = lines.map((line) => line.replace(/ # .*$/, "")).join("\n");
  const listens = code.match(/listen \S+;/g);
  expect(listens).toEqual(["listen 127.0.0.1:20006;", "listen 127.0.0.1:20005;"]);
  const servers = code.match(/server=?\s*(?:unix:\S+|[\d.]+:\d+)/g);
  expect(servers?.map((server) => server.replace(/^server=?\s*/, "")).sort()).toEqual(
    [20_001, 20_002, 20_003, 20_004, 20_006].map((port) => `127.0.0.1:${port}`),
  );
  const paths = code.match(/(?<![\w$/])\/(?:var|run|etc|usr|tmp)\/[^\s;)]+/g) ?? [];
  expect(paths.length).toBeGreaterThan(5);
  expect(paths.filter((path) => !path.startsWith(PARTS.directory))).toEqual([]);
  expect(code).not.toContain("timeout 8ms");
  expect(code).toContain('maxwellsdaemon-application "shop"');
});
