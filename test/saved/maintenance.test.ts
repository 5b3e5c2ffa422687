import { afterEach, beforeEach, describe, expect, test } from "bun:test";
import {
  chmodSync,
  existsSync,
  mkdirSync,
  mkdtempSync,
  readdirSync,
  rmSync,
  statSync,
  symlinkSync,
  writeFileSync,
} from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import type { Reading } from "../../src/feed/reading.ts";
import { MaintenanceMode } from "../../src/saved/maintenance.ts";
import { eventually } from "../support/eventually.ts";
import { KeptLog } from "../support/logged.ts";
import { readingOf as reading } from "../support/reading.ts";

let directory: string;
let log: KeptLog;

beforeEach(() => {
  directory = mkdtempSync(join(tmpdir(), "maintenance-"));
  chmodSync(directory, 0o755);
  log = new KeptLog();
});

afterEach(() => {
  chmodSync(directory, 0o755);
  rmSync(directory, { recursive: true });
});

function isOn(application = "app"): boolean {
  return existsSync(join(directory, "maintenance", application));
}

function create(): MaintenanceMode {
  return new MaintenanceMode(directory, ["app", "web", "api"], log);
}

async function follow(maintenance: MaintenanceMode, ...readings: Reading[]): Promise<void> {
  for (const each of readings) maintenance.follow(each);
  await maintenance.close();
}

test.each([
  [1, true],
  [0.001, true],
  [{ rollout: 0.5 }, true],
  [0, false],
  [{ rollout: 0 }, false],
])("a rollout of maintenance of %p makes the file's being there %p", async (value, expected) => {
  const maintenance = create();
  await follow(maintenance, reading({ maintenance: value, canary: 0.5 }));
  expect(isOn()).toBe(expected);
  expect(maintenance.isOn("app")).toBe(expected);
});

describe("leases read the memory", () => {
  test("a change counts before the disk has it", async () => {
    const maintenance = create();
    maintenance.follow(reading({ maintenance: 1 }));
    expect([maintenance.isOn("app"), maintenance.isOn("web"), isOn()]).toEqual([true, false, false]);
    await maintenance.close();
    expect(isOn()).toBeTrue();
    maintenance.follow(reading({}));
    expect([maintenance.isOn("app"), isOn()]).toEqual([false, true]);
    await maintenance.close();
  });

  test("files are read once, at the start; a file that is made or removed by hand later changes nothing", async () => {
    const maintenance = create();
    await follow(maintenance, reading({ maintenance: 1 }));
    rmSync(join(directory, "maintenance", "app"));
    writeFileSync(join(directory, "maintenance", "web"), "");
    expect([maintenance.isOn("app"), maintenance.isOn("web")]).toEqual([true, false]);
  });

  test("leases see maintenance even if the disk refuses the file", async () => {
    const maintenance = create();
    rmSync(join(directory, "maintenance"), { recursive: true });
    await follow(maintenance, reading({ maintenance: 1 }));
    expect(maintenance.isOn("app")).toBeTrue();
    expect(log.at("error")).toHaveLength(1);
  });

  test("law 8: a file that an earlier daemon left counts until the store is read", async () => {
    await follow(create(), reading({ maintenance: 1 }), reading({ maintenance: 1 }, "web"));
    const maintenance = create();
    await follow(maintenance, reading({ maintenance: "nonsense" }), reading({}, "web"));
    expect(["app", "web", "api"].map((name) => maintenance.isOn(name))).toEqual([true, false, false]);
    expect(readdirSync(join(directory, "maintenance"))).toEqual(["app"]);
    await follow(maintenance, reading({}));
    expect(maintenance.isOn("app")).toBeFalse();
  });

  test("law 8: a disk that fails at the start, when the daemon looks for the file, begins no maintenance", () => {
    mkdirSync(join(directory, "maintenance"));
    symlinkSync("app", join(directory, "maintenance", "app"));
    expect(create().isOn("app")).toBeFalse();
  });
});

test("the removal of the record ends maintenance", async () => {
  const maintenance = create();
  await follow(maintenance, reading({ maintenance: 1 }));
  await follow(maintenance, reading({}));
  expect(isOn()).toBeFalse();
});

test("the rollout of another version changes nothing", async () => {
  await follow(create(), reading({ canary: 1, Maintenance: 1 }));
  expect(isOn()).toBeFalse();
});

describe("law 8: it changes on fresh data only", () => {
  test.each([{ rollout: "on" }, true, Number.NaN, 2])(
    "a record of %p leaves it on, and leaves it off",
    async (value) => {
      const maintenance = create();
      await follow(maintenance, reading({ maintenance: value }));
      expect(isOn()).toBeFalse();
      await follow(maintenance, reading({ maintenance: 1 }));
      await follow(maintenance, reading({ maintenance: value }));
      expect(isOn()).toBeTrue();
    },
  );

  test("a new process leaves the files as they are until the store is read", async () => {
    await follow(create(), reading({ maintenance: 1 }));
    const maintenance = create();
    await maintenance.close();
    expect(isOn()).toBeTrue();
    await follow(maintenance, reading({ maintenance: 0 }));
    expect(isOn()).toBeFalse();
  });
});

test("if readings come faster than the disk writes, the last one counts", async () => {
  const maintenance = create();
  const readings = Array.from({ length: 101 }, (_, index) => reading({ maintenance: index % 2 }));
  await follow(maintenance, ...readings);
  expect(isOn()).toBeFalse();
  await follow(maintenance, ...readings.slice(0, 100));
  expect(isOn()).toBeTrue();
});

test("a file that was removed or made by hand is corrected by the next reading", async () => {
  const maintenance = create();
  await follow(maintenance, reading({ maintenance: 1 }));
  rmSync(join(directory, "maintenance", "app"));
  await follow(maintenance, reading({ maintenance: 1 }));
  expect(isOn()).toBeTrue();
  await follow(maintenance, reading({}));
  writeFileSync(join(directory, "maintenance", "app"), "");
  await follow(maintenance, reading({}));
  expect(isOn()).toBeFalse();
});

test("each application has a file of its own", async () => {
  const maintenance = create();
  await follow(maintenance, reading({ maintenance: 1 }, "web"), reading({ maintenance: 0 }, "api"));
  expect(readdirSync(join(directory, "maintenance"))).toEqual(["web"]);
});

test("a change is logged once, and a reading without a change is not logged", async () => {
  const maintenance = create();
  await follow(maintenance, reading({}));
  for (const value of [1, 1, 0, 0]) await follow(maintenance, reading({ maintenance: value }));
  expect(log.entries.map(({ message }) => message)).toEqual(["maintenance is on", "maintenance is off"]);
});

test("a proxy of another user can enter the directory with any umask; if it cannot enter the one above, the log says so", async () => {
  const mask = process.umask(0o077);
  try {
    const maintenance = create();
    expect(statSync(join(directory, "maintenance")).mode & 0o777).toBe(0o755);
    await follow(maintenance, reading({ maintenance: 1 }));
    expect(log.at("warn")).toEqual([]);
    chmodSync(directory, 0o700);
    await follow(maintenance, reading({}), reading({ maintenance: 1 }));
    await follow(maintenance, reading({}));
    await follow(maintenance, reading({ maintenance: 1 }));
    expect(log.at("warn")[0]?.fields).toMatchObject({ directory, remedy: `chmod o+x ${directory}` });
  } finally {
    process.umask(mask);
  }
});

test("a file that an earlier daemon left is removed, and the log says so", async () => {
  mkdirSync(join(directory, "maintenance"));
  writeFileSync(join(directory, "maintenance", "app"), "");
  await follow(create(), reading({}));
  expect(isOn()).toBeFalse();
  expect(log.entries.map(({ message }) => message)).toEqual(["maintenance is off"]);
});

test("law 6: a disk that refuses is logged and tried again, and the daemon goes on", async () => {
  const maintenance = create();
  const path = join(directory, "maintenance");
  rmSync(path, { recursive: true });
  await follow(maintenance, reading({ maintenance: 1 }));
  expect(log.at("error")).toHaveLength(1);
  expect(log.at("error")[0]?.fields).toMatchObject({ application: "app", wanted: "on" });
  mkdirSync(path);
  await follow(maintenance, reading({ maintenance: 1 }));
  expect(isOn()).toBeTrue();
});

test.skipIf(process.getuid?.() !== 0)(
  "a directory that only others may write to is refused at once",
  async () => {
    mkdirSync(join(directory, "maintenance"));
    chmodSync(directory, 0o755);
    const module = JSON.stringify(join(import.meta.dir, "../../src/saved/maintenance.ts"));
    const script = `const { MaintenanceMode } = await import(${module});
    try { new MaintenanceMode(${JSON.stringify(directory)}, ["app"], console); } catch (error) { console.log(error.code); }`;
    const nobody = ["setpriv", "--reuid=65534", "--regid=65534", "--clear-groups"];
    const child = Bun.spawn([...nobody, process.execPath, "-e", script], { stdout: "pipe", cwd: "/" });
    expect(await new Response(child.stdout).text()).toBe("EACCES\n");
  },
);

test("a directory that cannot be created is refused at once", () => {
  writeFileSync(join(directory, "file"), "");
  expect(() => new MaintenanceMode(join(directory, "file"), ["app"], log)).toThrow(/ENOTDIR|EEXIST/);
});

describe("law 8: a daemon whose store is lost shares the directory with one that reads its store", () => {
  const path = () => join(directory, "maintenance", "app");

  async function fail(maintenance: MaintenanceMode, application = "app"): Promise<void> {
    maintenance.failed(application);
    await maintenance.close();
  }

  test("it follows the other one, until it can read its store again", async () => {
    const [one, other] = [create(), create()];
    await follow(one, reading({}));
    await follow(other, reading({ maintenance: 1 }));
    expect(one.isOn("app")).toBeFalse();
    await fail(one);
    expect(one.isOn("app")).toBeTrue();
    await follow(other, reading({}));
    await fail(one);
    expect([one.isOn("app"), isOn()]).toEqual([false, false]);
    await follow(other, reading({ maintenance: 1 }));
    await fail(one);
    await follow(one, reading({}));
    expect([one.isOn("app"), isOn()]).toEqual([false, false]);
  });

  test("it ends maintenance that it had read itself, and does not make the file again", async () => {
    const [one, other] = [create(), create()];
    await follow(one, reading({ maintenance: 1 }));
    await follow(other, reading({}));
    await fail(one);
    await follow(one, reading({}, "web"));
    expect([one.isOn("app"), isOn()]).toEqual([false, false]);
  });

  test("it follows even if it was never read, and if it reads another application", async () => {
    const one = create();
    await follow(create(), reading({ maintenance: 1 }));
    await follow(one, reading({}, "web"));
    await fail(one);
    expect([one.isOn("app"), one.isOn("web"), isOn()]).toEqual([true, false, true]);
    await follow(one, reading({}, "web"));
    expect([one.isOn("app"), isOn()]).toEqual([true, true]);
  });

  test("it looks each second", async () => {
    const one = create();
    one.failed("app");
    await Bun.sleep(50);
    await follow(create(), reading({ maintenance: 1 }));
    expect(one.isOn("app")).toBeFalse();
    await eventually(() => one.isOn("app"), "a look");
    await one.close();
  });

  test("a file of an application that was just read changes nothing", async () => {
    const one = create();
    await follow(one, reading({}));
    await fail(one, "web");
    writeFileSync(path(), "");
    await fail(one, "web");
    expect(one.isOn("app")).toBeFalse();
  });

  test("it does not read back its own writing: not before the disk has it, and not if the disk refuses it", async () => {
    const one = create();
    one.follow(reading({ maintenance: 1 }));
    await fail(one);
    expect([one.isOn("app"), isOn()]).toEqual([true, true]);
    rmSync(path());
    one.follow(reading({ maintenance: 1 }));
    await fail(one);
    expect([one.isOn("app"), isOn()]).toEqual([true, true]);
    rmSync(join(directory, "maintenance"), { recursive: true });
    await follow(one, reading({ maintenance: 1 }));
    await fail(one);
    expect(one.isOn("app")).toBeTrue();
  });

  test("if it can only read the directory, a file that stays as it was changes nothing", async () => {
    mkdirSync(join(directory, "maintenance"));
    writeFileSync(path(), "");
    const one = new MaintenanceMode(directory, ["app", "web"], log, "read");
    await follow(one, reading({}), reading({ maintenance: 1 }, "web"));
    await fail(one);
    await fail(one, "web");
    expect([one.isOn("app"), one.isOn("web")]).toEqual([false, true]);
    rmSync(path());
    await fail(one);
    writeFileSync(path(), "");
    await fail(one);
    expect(one.isOn("app")).toBeTrue();
  });
});

describe("a directory that can only be read", () => {
  const createReader = () => new MaintenanceMode(directory, ["app", "web", "api"], log, "read");

  test("law 8: its files count until the store is read, and then the store counts; nothing is written", async () => {
    mkdirSync(join(directory, "maintenance"));
    writeFileSync(join(directory, "maintenance", "app"), "");
    const maintenance = createReader();
    expect([maintenance.isOn("app"), maintenance.isOn("web")]).toEqual([true, false]);
    await follow(maintenance, reading({}), reading({ maintenance: 1 }, "web"));
    expect([maintenance.isOn("app"), maintenance.isOn("web")]).toEqual([false, true]);
    expect(readdirSync(join(directory, "maintenance"))).toEqual(["app"]);
    expect(log.entries.map(({ message }) => message)).toEqual([
      expect.stringContaining("its file cannot be written"),
    ]);
  });

  test("nothing is in maintenance if there is no such directory", () => {
    expect(createReader().isOn("app")).toBeFalse();
    expect(existsSync(join(directory, "maintenance"))).toBeFalse();
  });
});
