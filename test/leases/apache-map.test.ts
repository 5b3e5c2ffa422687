import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import { existsSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, statSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { leaseLine } from "../../src/leases/apache/map.ts";
import { ApacheMap, apacheMapPaths } from "../../src/leases/apache-map.ts";
import { arcEnds, KnownEnds } from "../../src/leases/arc-ends.ts";
import { type Core, createCore, UNHEALTHY_MS } from "../support/core.ts";
import { eventually } from "../support/eventually.ts";
import { settingsOf } from "../support/settings.ts";

const LINE = /^(\S+) t=(\d{13})000,t=(\d{13})000((?:,[^,]+,[0-9.]+,[0-9.]+,[0-9.]+)*)$/;

describe("Apache's map", () => {
  let directory: string;
  let path: string;
  let core: Core;
  let holder: ApacheMap;

  beforeEach(() => {
    directory = mkdtempSync(join(tmpdir(), "apache-map-"));
    path = join(directory, "maps/apache.map");
    mkdirSync(join(directory, "maps"));
    core = createCore({ applications: ["app", "é ü"] });
    holder = new ApacheMap(core, path);
  });

  afterEach(async () => {
    await holder.close();
    rmSync(directory, { recursive: true });
  });

  const success = () => core.metrics.servers[0]?.success ?? 0;

  /** Waits for two renewals, because the first one may have been under way. */
  async function renewed(): Promise<void> {
    const before = success();
    await eventually(() => success() >= before + 2, "the map is renewed");
  }

  function said(version: string, offset: number, rollout: number): string {
    const { from, to, around } = arcEnds(offset, rollout);
    return `${version},${from},${to},${around}`;
  }

  /** The lines, by their keys. */
  function written() {
    const lines = readFileSync(path, "utf8").split("\n").slice(0, -1);
    return new Map(
      lines.map((line) => {
        const [, key = "", from, until, arcs = ""] = LINE.exec(line) ?? [];
        return [key, { from: Number(from), until: Number(until), arcs: arcs.slice(1) }];
      }),
    );
  }

  test("APM-1, APM-4: one file, replaced at once, has the arc of each version of each application", async () => {
    core.apply("app", { rollout: 0.25 }, { version: "blue", rollout: 0.5, offset: 0.75 });
    core.apply("é ü", { rollout: 1 });
    await holder.start();
    await renewed();
    expect(written().get("app")?.arcs).toBe(`${said("canary", 0, 0.25)},${said("blue", 0.75, 0.5)}`);
    expect(written().get("%C3%A9%20%C3%BC")?.arcs).toBe("canary,0,1,0");
    expect(written().size).toBe(2);
    core.apply("app", { rollout: 0.5 });
    await renewed();
    expect(written().get("app")?.arcs).toBe(said("canary", 0, 0.5));
    await holder.close();
    expect(readdirSync(join(directory, "maps"))).toEqual(["apache.map"]);
  });

  test("APM-2: a lease counts from a minute ago, ends in three seconds, and is renewed twice a second", async () => {
    core.apply("app", { rollout: 0.25 });
    await holder.start();
    await renewed();
    const { from = 0, until = 0 } = written().get("app") ?? {};
    expect(until).toBeLessThanOrEqual(Date.now() + 3_000);
    expect(until).toBeGreaterThan(Date.now());
    expect(until - from).toBe(63_000);
    await renewed();
    expect(written().get("app")?.until).toBeGreaterThan(until);
  });

  test("APM-2, APM-3: an application that is unread or stale has no line; a version without visitors has no arc", async () => {
    core.apply("app", { rollout: 0 });
    await holder.start();
    await renewed();
    expect([...written()].map(([key, { arcs }]) => [key, arcs])).toEqual([["app", ""]]);
    core.advance(UNHEALTHY_MS);
    await renewed();
    expect(readFileSync(path, "utf8")).toBe("");
  });

  test("APM-2: no lease is longer than the daemon's own", async () => {
    core.apply("app", { rollout: 0.25 });
    core.advance(UNHEALTHY_MS - 1_000);
    const endsAt = Date.now() + 1_000;
    await holder.start();
    await eventually(() => success() > 0, "the map is written");
    expect(written().get("app")?.until).toBeLessThanOrEqual(endsAt + 1);
  });

  test("APM-5: Apache's children may read the file, whatever the daemon's umask is", async () => {
    const before = process.umask(0o077);
    try {
      await holder.start();
      await renewed();
      expect(statSync(path).mode & 0o777).toBe(0o644);
    } finally {
      process.umask(before);
    }
  });

  test("APM-5: a daemon that ends leaves the file", async () => {
    core.apply("app", { rollout: 0.25 });
    await holder.start();
    await renewed();
    await holder.close();
    expect(existsSync(path)).toBe(true);
  });

  test("APM-5: if the file cannot be written, the daemon tries until it can", async () => {
    rmSync(join(directory, "maps"), { recursive: true });
    core.apply("app", { rollout: 0.25 });
    await holder.start();
    await eventually(() => (core.metrics.servers[0]?.failure ?? 0) >= 2, "two failures");
    mkdirSync(join(directory, "maps"));
    await renewed();
    expect(written().has("app")).toBe(true);
  });

  test("APM-3: a line never has more bytes than Apache reads; versions without room in it are named", () => {
    const arcs = Array.from({ length: 64 }, (_, index) => ({
      ...{ version: `version-${index}`, rollout: 1 / 64 + 1e-17, offset: index / 64 + 1e-9 },
      failsafe: "master" as const,
    }));
    const { line = "", leftOut } = leaseLine("app", { durationMs: 1_000, arcs }, Date.now(), new KnownEnds());
    expect(line.length).toBeLessThanOrEqual(1_000);
    expect(line).toMatch(LINE);
    expect(leftOut.length).toBeGreaterThan(0);
    const versions = line.split(",").filter((part) => part.startsWith("version-"));
    expect([...versions, ...leftOut]).toEqual(arcs.map(({ version }) => version));
    const long = leaseLine("a".repeat(2_000), { durationMs: 1_000, arcs: [] }, Date.now(), new KnownEnds());
    expect(long.line).toBeUndefined();
  });
});

describe("-apache-map", () => {
  test("takes several absolute paths", () => {
    expect(settingsOf("-apache-map", "/a/b", "-apache-map", "/c").get(apacheMapPaths)).toEqual([
      "/a/b",
      "/c",
    ]);
  });

  test.each(["", "relative", "/a/", "/a\0b"])("%p is refused", (text) => {
    expect(() => settingsOf("-apache-map", text)).toThrow("-apache-map");
  });
});
