/**
 * Runs the same cases through flag, environment and file: a value must mean the same in each of these
 * sources.
 */

import { describe, expect, test } from "bun:test";
import { admin, adminHost } from "../../src/admin/admin.ts";
import { configFile } from "../../src/config/config-file.ts";
import { environmentName } from "../../src/config/environment.ts";
import { type Loaded, loadSettings, Problems } from "../../src/config/load.ts";
import { type Option, Problem } from "../../src/config/option.ts";
import { single } from "../../src/config/values.ts";
import { allOptions } from "../../src/daemon/all-options.ts";
import { CROSS_CHECKS } from "../../src/daemon/cross-checks.ts";
import { apacheMapPaths } from "../../src/leases/apache-map.ts";
import { haproxyMapAddresses } from "../../src/leases/haproxy-map.ts";
import { traefikListen } from "../../src/leases/traefik.ts";
import { notify, notifySecret } from "../../src/notices/options.ts";
import { adminTokenFile, adminUserHeader } from "../../src/page/options.ts";
import { httpListen } from "../../src/servers/http.ts";
import { listen, socket } from "../../src/servers/line.ts";
import { idleTimeout, socketMode } from "../../src/servers/listener-options.ts";
import { spopListen } from "../../src/servers/spop.ts";
import { APPLICATIONS_MAX, application } from "../../src/settings/application.ts";
import {
  allowForce,
  delay,
  logFormat,
  logfile,
  name,
  region,
  releases,
  stateDir,
  store,
  table,
  unhealthy,
} from "../../src/settings/options.ts";
import { faultsInConfig } from "../support/schema.ts";

interface Given {
  readonly argv?: readonly string[];
  readonly environment?: Readonly<Record<string, string>>;
  readonly file?: string;
}

const FILE = "/etc/md.toml";

function load({ argv = [], environment = {}, file }: Given): Loaded | Problems {
  return loadSettings(
    {
      argv: file === undefined ? argv : ["-config", FILE, ...argv],
      environment,
      readFile: () => file ?? "",
    },
    { options: allOptions(), crossChecks: CROSS_CHECKS },
  );
}

function loaded(given: Given): Loaded {
  const result = load(given);
  if (result instanceof Problems) throw new Error(result.messages.join("\n"));
  if (given.file !== undefined) expect(faultsInConfig(given.file)).toBe("");
  return result;
}

function problems(given: Given): readonly string[] {
  const result = load(given);
  return result instanceof Problems ? result.messages : [];
}

/** One text for one option, through each source. */
const SOURCES: readonly [name: string, give: (option: Option<unknown>, text: string) => Given][] = [
  ["flag", (option, text) => ({ argv: [`-${option.name}`, text] })],
  ["environment", (option, text) => ({ environment: { [environmentName(option)]: text } })],
  ["file", (option, text) => ({ file: `${option.name} = ${JSON.stringify(text)}` })],
];

const SLACK = "https://hooks.slack.com/services/T0/B0/xyz";

const GOOD: readonly [option: Option<unknown>, text: string, value: unknown][] = [
  [application, "website", ["website"]],
  [store, "constant:0.25", "constant:0.25"],
  [table, "My.Table-1", "My.Table-1"],
  [region, "eu-west-1", "eu-west-1"],
  [delay, "1.5s", 1_500],
  [delay, "10ms", 10],
  [unhealthy, "1m30s", 90_000],
  [unhealthy, "24h", 86_400_000],
  [stateDir, "none", null],
  [logfile, "/tmp/a b.log", "/tmp/a b.log"],
  [logFormat, "json", "json"],
  [releases, "on", true],
  [name, "web-1.fra", "web-1.fra"],
  [socket, "/tmp/x.sock", { kind: "unix", path: "/tmp/x.sock" }],
  [listen, "tcp:[::1]:80", [{ kind: "tcp", host: "::1", port: 80 }]],
  [listen, "tcp::80", [{ kind: "tcp", host: "127.0.0.1", port: 80 }]],
  [listen, "fd:3", [{ kind: "fd", fd: 3 }]],
  [listen, "unix:/run/md.sock", [{ kind: "unix", path: "/run/md.sock" }]],
  [socketMode, "0660", 0o660],
  [idleTimeout, "0", 0],
  [admin, "none", null],
  [admin, "localhost:0", { host: "localhost", port: 0 }],
  [adminHost, "web1.example.com", ["web1.example.com"]],
  [adminTokenFile, "/etc/maxwells-daemon/token", "/etc/maxwells-daemon/token"],
  [adminTokenFile, "none", null],
  [adminUserHeader, "X-Forwarded-User", "x-forwarded-user"],
  [httpListen, "127.0.0.1:6294", { kind: "tcp", host: "127.0.0.1", port: 6294 }],
  [spopListen, "unix:/run/spop.sock", { kind: "unix", path: "/run/spop.sock" }],
  [traefikListen, "127.0.0.1:6296", { kind: "tcp", host: "127.0.0.1", port: 6296 }],
  [
    haproxyMapAddresses,
    "/run/haproxy.sock,/etc/haproxy/a.map",
    [{ socket: { kind: "unix", path: "/run/haproxy.sock" }, map: "/etc/haproxy/a.map" }],
  ],
  [apacheMapPaths, "/run/maxwells-daemon/apache.map", ["/run/maxwells-daemon/apache.map"]],
  [notify, SLACK, notify.parse([SLACK])],
  [notifySecret, "file:/etc/notices.secret", [{ kind: "file", path: "/etc/notices.secret" }]],
  [optionNamed("outcomes"), "[::1]:6299", { host: "::1", port: 6299 }],
  [optionNamed("outcomes-from"), "10.0.0.0/8", ["10.0.0.0/8"]],
  [optionNamed("otlp"), "http://127.0.0.1:4318", "http://127.0.0.1:4318/v1/metrics"],
  [optionNamed("otlp"), "none", null],
  [optionNamed("statsd"), "127.0.0.1:8126", { host: "127.0.0.1", port: 8126 }],
];

function optionNamed(name: string): Option<unknown> {
  const option = allOptions().find((each) => each.name === name);
  if (option === undefined) throw new Error(`there is no -${name}`);
  return option;
}

test("every setting that takes a text is tried through every source", () => {
  const tried = new Set(GOOD.map(([option]) => option.name));
  const others = allOptions().filter(
    ({ name, placeholder }) => placeholder !== undefined && !tried.has(name),
  );
  // The setting of the file has tests of its own, and the other one needs a second setting.
  expect(
    others.map(({ name }) => name),
    "give GOOD of this file a row for each other option: a text, and the value that it means",
  ).toEqual(["config", "traefik-version"]);
});

const BAD: readonly [option: Option<unknown>, text: string, remedy: string][] = [
  [application, "a/b", "write a name"],
  [optionNamed("outcomes"), "web-1:6298", "write ADDRESS:PORT"],
  [optionNamed("outcomes-from"), "10.0.0.0/33", "write a network"],
  [application, "..", "write a name"],
  [application, "x".repeat(129), "write a name"],
  [store, "constant:2", "write a number from 0 to 1"],
  [store, "dynamobd:", "did you mean dynamodb?"],
  [store, "/no/such/store.ts", "no such file"],
  [table, "a", "write a table's name"],
  [region, "US East", "write the name of a region"],
  [delay, "4", "write a duration with its unit"],
  [delay, "-4s", "write a duration"],
  [delay, "4 s", "write a duration"],
  [delay, "9ms", "from 10ms to 24h"],
  [delay, "1e999s", "write a duration"],
  [delay, `${"9".repeat(400)}s`, "from 10ms to 24h"],
  [unhealthy, "25h", "from 10ms to 24h"],
  [logfile, "-", "write the path of a file, or none"],
  [logFormat, "xml", "write text or json"],
  [releases, "auto", "write on or off"],
  [name, "web 1", "without spaces"],
  [name, "ada@web-1", "and @"],
  [name, "x".repeat(65), "at most 64 printable characters"],
  [socket, `/${"x".repeat(200)}`, "at most"],
  [listen, "tcp:127.0.0.1:65536", "write unix:PATH, tcp:HOST:PORT or fd:NUMBER"],
  [listen, "fd:2", "write unix:PATH"],
  [listen, "127.0.0.1:80", "write unix:PATH"],
  [socketMode, "888", "write an octal mode"],
  [notify, "hooks.example.com", "write https://HOST/PATH"],
  [notifySecret, "/etc/notices.secret", "write file:PATH"],
  [admin, "6293", "write HOST:PORT"],
  [adminHost, "web1:6293", "without a port"],
  [adminTokenFile, "token", "write an absolute path"],
  [adminUserHeader, "X Forwarded", "write the name of a header"],
];

/** A case, with the words of its test's name in front. */
function named<T>([option, text, outcome]: readonly [Option<unknown>, string, T]) {
  return [option.name, text, option, outcome] as const;
}

for (const [source, give] of SOURCES) {
  describe(`from ${source}`, () => {
    test.each(GOOD.map(named))("-%s %.40s is accepted", (_name, text, option, value) => {
      const { settings } = loaded(give(option, text));
      expect(settings.get(option)).toEqual(value);
      expect(settings.origin(option).source).toBe(source as "flag");
      expect(settings.isNamed(option)).toBeTrue();
      expect(settings.texts(option)).toEqual([text]);
    });

    test.each(BAD.map(named))(
      "-%s %.40s is refused with its origin and the remedy",
      (_name, text, option, remedy) => {
        const messages = problems(give(option, text));
        expect(messages).toHaveLength(1);
        expect(messages[0]).toContain(remedy);
        expect(messages[0]).toContain(source);
        expect(messages[0]?.toLowerCase().replaceAll("_", "-")).toContain(option.name);
      },
    );

    test("several applications keep their order", () => {
      const given: Readonly<Record<string, Given>> = {
        flag: { argv: ["-application", "b", "-application=a"] },
        environment: { environment: { MAXWELLS_DAEMON_APPLICATION: "b, a" } },
        file: { file: 'application = ["b", "a"]' },
      };
      expect(loaded(given[source] ?? {}).settings.get(application)).toEqual(["b", "a"]);
    });

    test("several HAProxies keep their maps", () => {
      const texts = ["/run/a.sock,/etc/a.map", "/run/b.sock"];
      const given: Readonly<Record<string, Given>> = {
        flag: { argv: texts.flatMap((text) => ["-haproxy-map", text]) },
        environment: { environment: { MAXWELLS_DAEMON_HAPROXY_MAP: texts.join("; ") } },
        file: { file: `haproxy-map = ${JSON.stringify(texts)}` },
      };
      expect(loaded(given[source] ?? {}).settings.get(haproxyMapAddresses)).toEqual([
        { socket: { kind: "unix", path: "/run/a.sock" }, map: "/etc/a.map" },
        { socket: { kind: "unix", path: "/run/b.sock" }, map: "/var/lib/maxwells-daemon/haproxy.map" },
      ]);
    });

    test("a switch is read", () => {
      const given: Readonly<Record<string, Given>> = {
        flag: { argv: ["-allow-force"] },
        environment: { environment: { MAXWELLS_DAEMON_ALLOW_FORCE: "1" } },
        file: { file: "allow-force = true" },
      };
      expect(loaded(given[source] ?? {}).settings.get(allowForce)).toBeTrue();
    });

    test("a value of a million characters is refused in a short message", () => {
      const [message = ""] = problems(give(region, "x".repeat(1_000_000)));
      expect(message).toContain("write the name of a region");
      expect(message.length).toBeLessThan(400);
    });
  });
}

describe("precedence", () => {
  const argv = ["-delay", "1s"];
  const environment = { MAXWELLS_DAEMON_DELAY: "2s" };
  const file = 'delay = "3s"';

  test.each<[string, Given, number, string]>([
    ["a flag comes before all others", { argv, environment, file }, 1_000, "flag"],
    ["the environment comes before the file", { environment, file }, 2_000, "environment"],
    ["the file comes before the default", { file }, 3_000, "file"],
    ["the default comes last", {}, 4_000, "default"],
    [
      "an empty variable counts as absent",
      { environment: { MAXWELLS_DAEMON_DELAY: "" }, file },
      3_000,
      "file",
    ],
  ])("%s", (_, given, value, source) => {
    const { settings } = loaded(given);
    expect(settings.get(delay)).toBe(value);
    expect(settings.origin(delay).source).toBe(source as "flag");
  });

  test("a flag equal to the default still covers the file", () => {
    expect(loaded({ argv: ["-delay", "4s"], file }).settings.get(delay)).toBe(4_000);
  });

  test("a wrong value does not matter if a valid one covers it", () => {
    expect(problems({ argv, environment: { MAXWELLS_DAEMON_DELAY: "soon" } })).toEqual([]);
  });

  test("a command's own default comes after all sources", () => {
    const rules = { options: allOptions(), defaults: { delay: "1m" } };
    const sources = { argv: [], readFile: () => "" };
    const plain = loadSettings({ ...sources, environment: {} }, rules) as Loaded;
    expect(plain.settings.get(delay)).toBe(60_000);
    expect(plain.settings.isNamed(delay)).toBeFalse();
    const said = loadSettings({ ...sources, environment }, rules) as Loaded;
    expect(said.settings.get(delay)).toBe(2_000);
  });
});

describe("flags in the style of Go", () => {
  test.each<[string, readonly string[]]>([
    ["-name value", ["-region", "eu-west-1"]],
    ["-name=value", ["-region=eu-west-1"]],
    ["--name value", ["--region", "eu-west-1"]],
    ["--name=value", ["--region=eu-west-1"]],
    ["the last of several counts", ["-region", "x", "-region", "eu-west-1"]],
  ])("%s", (_, argv) => {
    expect(loaded({ argv }).settings.get(region)).toBe("eu-west-1");
  });

  test("a value may begin with a dash", () => {
    expect(loaded({ argv: ["-logfile", "-x.log"] }).settings.get(logfile)).toBe("-x.log");
    expect(loaded({ argv: ["-logfile", "-delay"] }).settings.get(logfile)).toBe("-delay");
  });

  test("a value may hold an equals sign", () => {
    expect(loaded({ argv: ["-logfile=a=b"] }).settings.get(logfile)).toBe("a=b");
  });

  test("a switch may have its value behind an equals sign", () => {
    expect(loaded({ argv: ["-allow-force=false"] }).settings.get(allowForce)).toBeFalse();
    expect(loaded({ argv: ["-allow-force=true"] }).settings.get(allowForce)).toBeTrue();
    expect(problems({ argv: ["-allow-force=maybe"] })).toEqual([
      'flag -allow-force: "maybe": write true or false',
    ]);
  });

  test("words that are not flags are kept, those after -- included", () => {
    expect(loaded({ argv: ["a", "-delay", "1s", "b", "--", "-c"] }).positionals).toEqual(["a", "b", "-c"]);
  });

  test("a flag without its value is a problem", () => {
    expect(problems({ argv: ["-delay"] })).toEqual(["flag -delay: needs a value: -delay DURATION"]);
  });

  test.each(["-constructor", "-__proto__", "-toString", "-é"])(
    "%s is refused as an unknown flag, and does no harm",
    (flag) => {
      expect(problems({ argv: [flag] })).toEqual([`flag ${flag}: no such flag`]);
    },
  );

  test.each(["-=x", "--=x", "---delay=1s", "-\u0000", "-", "---", "="])("%j does no harm", (flag) => {
    const result = load({ argv: [flag] });
    if (result instanceof Problems) expect(result.messages.join()).toContain("no such flag");
    else expect(result.positionals).toEqual([flag]);
  });
});

describe("problems", () => {
  test("all are reported at once, each with its origin", () => {
    const messages = problems({
      argv: ["-delya", "-region", "US East", "-table"],
      environment: { MAXWELLS_DAEMON_LOG_FORMAT: "xml", MAXWELLS_DAEMON_DELLAY: "1s" },
      file: 'socket-mode = "abc"\nregionn = "x"\nunhealthy = "2s"\ndelay = "3s"\napplication = ["a", "b/c", "a/d"]',
    });
    expect([...messages].sort()).toEqual(
      [
        "flag -delya: no such flag; did you mean -delay?",
        "flag -table: needs a value: -table NAME",
        'flag -region: "US East": write the name of a region, such as us-east-1',
        "environment MAXWELLS_DAEMON_DELLAY: no such setting; did you mean MAXWELLS_DAEMON_DELAY?",
        'environment MAXWELLS_DAEMON_LOG_FORMAT: "xml": write text or json',
        `file ${FILE}: socket-mode: "abc": write an octal mode such as 0666`,
        `file ${FILE}: regionn: no such setting; did you mean region?`,
        `file ${FILE}: application: "b/c": write a name of at most 128 bytes, without "/", not beginning with "."`,
        `file ${FILE}: application: "a/d": write a name of at most 128 bytes, without "/", not beginning with "."`,
        `file ${FILE}: delay, file ${FILE}: unhealthy: -unhealthy must be longer than -delay 3s, or rollouts fall to 0 between two reads; make it 6s`,
      ].sort(),
    );
  });

  test("an application that is named twice is reported beside other problems", () => {
    expect(problems({ argv: ["-application", "a", "-application", "a", "-delay", "x"] })).toEqual([
      'flag -delay: "x": write a duration with its unit, such as 4s, 1m30s or 500ms',
      "flag -application: a is named twice; name it once",
    ]);
  });

  test("the largest number of applications is accepted, and one more is a problem", () => {
    const names = (count: number) => Array.from({ length: count }, (_, index) => `app-${index}`);
    const file = (count: number) => `application = ${JSON.stringify(names(count))}`;
    expect(problems({ file: file(APPLICATIONS_MAX) })).toEqual([]);
    expect(problems({ file: file(APPLICATIONS_MAX + 1) })).toEqual([
      `file ${FILE}: application: 10001 applications are named, but a daemon serves at most 10000; start another daemon for the others`,
    ]);
  });

  test("an address that two listeners share is a problem", () => {
    expect(problems({ argv: ["-socket", "/tmp/a", "-listen", "fd:3", "-listen", "unix:/tmp/a"] })).toEqual([
      "flag -socket, flag -listen: the daemon would listen twice at unix:/tmp/a; name it once",
    ]);
  });

  describe("a daemon is of use if proxies ask it, or if it renews a lease", () => {
    test.each([
      [["-socket", "/tmp/a"]],
      [["-apache-map", "/a"]],
      [["-haproxy-map", "/s"]],
      [["-traefik", ":6296"]],
    ])("%p is enough", (argv) => {
      expect(problems({ argv: ["-socket", "none", ...argv] })).toEqual([]);
    });

    test("a daemon without either is refused", () => {
      expect(problems({ argv: ["-socket", "none"] })).toEqual([
        "flag -socket: no proxy could ask this daemon, and it renews no lease; give it -socket, -listen, -http, -spop, -haproxy-map, -apache-map or -traefik",
      ]);
    });
  });

  describe("the place of a lease", () => {
    test("a HAProxy may have several maps", () => {
      expect(problems({ argv: ["-haproxy-map", "/s,/a.map", "-haproxy-map", "/s,/b.map"] })).toEqual([]);
    });

    test.each([
      [["-haproxy-map", "/s,/a.map", "-haproxy-map", "/s,/a.map"], "-haproxy-map /s,/a.map is given twice"],
      [["-haproxy-map", "/s", "-haproxy-map", "/s"], "-haproxy-map /s,/var/lib/maxwells-daemon/haproxy.map"],
      [["-apache-map", "/a", "-apache-map", "/b", "-apache-map", "/a"], "-apache-map /a is given twice"],
      [["-socket", "/s", "-haproxy-map", "/s"], "unix:/s is the proxy's own socket by -haproxy-map"],
      [["-http", ":6296", "-traefik", ":6296"], "the daemon would listen twice at tcp:127.0.0.1:6296"],
    ])("%p is a problem", (argv, problem) => {
      expect(problems({ argv })).toEqual([expect.stringContaining(problem)]);
    });
  });

  test("settings that are wrong by themselves are not compared with others", () => {
    expect(problems({ argv: ["-delay", "x", "-unhealthy", "1s"] })).toHaveLength(1);
  });

  test.each(["\0", "a\0b"])("a NUL byte is refused: %j", (text) => {
    expect(problems({ argv: ["-logfile", text] })[0]).toContain("it holds a NUL byte; remove it");
    expect(problems({ file: `logfile = ${JSON.stringify(text)}` })[0]).toContain("NUL byte");
    expect(problems({ argv: ["-config", text] })[0]).toContain("NUL byte");
  });

  test("a message does not repeat control characters or passwords of a value", () => {
    expect(problems({ argv: ["-region", "a\u001b[2Jb"] })[0]).toContain("a\\u001b[2Jb");
    for (const address of [`unknown://u:${"secret".repeat(200)}@h`, "redis://u:secret@h/no-database"]) {
      const [message = ""] = problems({ argv: ["-store", address] });
      expect(message).toContain("://***@h");
      expect(message).not.toContain("secret");
    }
  });

  test("addresses that container platforms put into the environment are not taken for misspelt settings", () => {
    const environment = {
      MAXWELLS_DAEMON_SERVICE_HOST: "10.0.0.1",
      MAXWELLS_DAEMON_SERVICE_PORT_HTTP: "80",
      MAXWELLS_DAEMON_PORT: "tcp://10.0.0.1:80",
      MAXWELLS_DAEMON_PORT_80_TCP_ADDR: "10.0.0.1",
    };
    expect(problems({ environment })).toEqual([]);
  });
});

describe("the default file", () => {
  const DEFAULT = "/nowhere/default.toml";
  const fails = (code: string) => () => {
    throw Object.assign(new Error(code), { code });
  };
  const load = (
    argv: readonly string[],
    readFile: (path: string) => string = (path) =>
      `region = ${JSON.stringify(path.replaceAll(/[^a-z]/g, ""))}`,
    environment = {},
  ) => {
    const loaded = loadSettings(
      { argv, environment, readFile, defaultFile: DEFAULT },
      { options: allOptions() },
    );
    return loaded instanceof Problems ? loaded.messages : loaded.settings;
  };
  const settings = (...words: Parameters<typeof load>) => {
    const loaded = load(...words);
    if (Array.isArray(loaded)) throw new Error(loaded.join("\n"));
    return loaded as Exclude<typeof loaded, readonly string[]>;
  };

  test("counts if the operator names no other file, and is shown as the origin of its settings", () => {
    const loaded = settings([]);
    expect(loaded.get(region)).toBe("nowheredefaulttoml");
    expect(loaded.origin(region).text).toBe(`file ${DEFAULT}: region`);
    expect(loaded.get(configFile)).toBe(DEFAULT);
    expect(loaded.isNamed(configFile)).toBeFalse();
  });

  test("may be absent", () => {
    const loaded = settings([], fails("ENOENT"));
    expect(loaded.get(configFile)).toBeNull();
    expect(loaded.origin(region).source).toBe("default");
  });

  test("does not count if a flag or the environment names another file", () => {
    expect(settings(["-config", "/other"]).get(region)).toBe("other");
    expect(settings([], undefined, { MAXWELLS_DAEMON_CONFIG: "/other" }).get(configFile)).toBe("/other");
    expect(load(["-config", "/other"], fails("ENOENT"))).toEqual([
      "file /other (from flag -config): there is no such file; write its path, or leave -config away",
    ]);
  });

  test("is not read after -config none", () => {
    const readFile = fails("it is not to be read");
    expect(settings(["-config", "none"], readFile).get(configFile)).toBeNull();
    expect(settings([], readFile, { MAXWELLS_DAEMON_CONFIG: "none" }).get(configFile)).toBeNull();
  });

  test("is an error if this user may not read it, because without it a command would go to another store", () => {
    expect(load([], fails("EACCES"))).toEqual([
      `file ${DEFAULT} (from default of -config): this user may not read it; use sudo, or -config none to read no file`,
    ]);
  });

  test("is not read by commands without -config", () => {
    const sources = {
      argv: [],
      environment: {},
      readFile: fails("it is not to be read"),
      defaultFile: DEFAULT,
    };
    expect(loadSettings(sources, { options: [region] })).not.toBeInstanceOf(Problems);
  });
});

describe("the file", () => {
  test.each<[string, string, string]>([
    ["a number", "delay = 4", "write a string, in quotes"],
    ["an octal number, which TOML would read as decimal", "socket-mode = 0o660", "write a string, in quotes"],
    ["a table", "[delay]\nx = 1", "write a string, in quotes"],
    ["a date", "delay = 2026-01-01", "write a string, in quotes"],
    ["a list for one value", 'delay = ["1s"]', "write a string, in quotes"],
    ["a list of anything", "application = [1]", "a string or a list of strings"],
    ["a string for a switch", 'allow-force = "yes"', "true or false, without quotes"],
    ["another file", 'config = "x"', "a configuration file cannot name another one"],
    ["a key of JavaScript", '__proto__ = "x"', "no such setting"],
    ["a text that is not TOML", "delay = ", "Invalid TOML"],
    ["a text that is far too long", "#".repeat(1_048_577), "longer than"],
  ])("%s is refused", (_, file, remedy) => {
    const messages = problems({ file });
    expect(messages).toHaveLength(1);
    expect(messages[0]).toContain(FILE);
    expect(messages[0]).toContain(remedy);
  });

  test("an error of TOML has its line", () => {
    expect(problems({ file: 'region = "x"\ndelay = = 3' })[0]).toMatch(/2:\s|line 2|\n\s*2/);
  });

  test.each([
    ["ENOENT", "there is no such file"],
    ["EISDIR", "this is a directory"],
    ["EACCES", "this user may not read it"],
  ])("%s is reported with the origin of the file's name", (code, remedy) => {
    const result = loadSettings(
      {
        argv: ["-delay", "x"],
        environment: { MAXWELLS_DAEMON_CONFIG: "/nowhere.toml" },
        readFile: () => {
          throw Object.assign(new Error(code), { code });
        },
      },
      { options: allOptions() },
    );
    const messages = result instanceof Problems ? result.messages : [];
    expect(messages).toHaveLength(2);
    expect(messages[0]).toStartWith("file /nowhere.toml (from environment MAXWELLS_DAEMON_CONFIG): ");
    expect(messages[0]).toContain(remedy);
  });

  test("a setting that only other commands know is not a problem", () => {
    const other = single({ name: "other", placeholder: "X", summary: "", absent: "" }, (text) => text);
    const result = loadSettings(
      { argv: ["-config", FILE], environment: { MAXWELLS_DAEMON_OTHER: "x" }, readFile: () => 'other = "x"' },
      { options: allOptions(), known: [...allOptions(), other] },
    );
    expect(result).not.toBeInstanceOf(Problems);
  });

  test("a flag of one run counts neither in the environment nor in the file", () => {
    const once = single(
      { name: "once", placeholder: "X", summary: "", defaultText: "no", flagOnly: true },
      (text) => text,
    );
    const result = loadSettings(
      { argv: ["-config", FILE], environment: { MAXWELLS_DAEMON_ONCE: "x" }, readFile: () => 'once = "x"' },
      { options: [...allOptions(), once] },
    );
    const messages = result instanceof Problems ? result.messages : [];
    expect(messages.map((message) => message.replace(/;.*/, ""))).toEqual([
      "environment MAXWELLS_DAEMON_ONCE: no such setting",
      `file ${FILE}: once: no such setting`,
    ]);
  });

  test("commands without -config read neither environment nor file", () => {
    const result = loadSettings(
      {
        argv: [],
        environment: { MAXWELLS_DAEMON_TYPO: "x", MAXWELLS_DAEMON_CONFIG: "/x" },
        readFile: () => "!",
      },
      { options: [region] },
    );
    expect(result).not.toBeInstanceOf(Problems);
  });
});

test("every option has a valid default, or a value for its absence", () => {
  for (const option of allOptions()) {
    const value = option.defaultText === undefined ? option.absent : option.parse([option.defaultText]);
    expect(value).not.toBeInstanceOf(Problem);
    expect(value).not.toBeUndefined();
  }
});

test("no two options have the same name", () => {
  const names = allOptions().map((option) => option.name);
  expect(new Set(names).size).toBe(names.length);
});

test("the flags of 2016 are still accepted", () => {
  const argv =
    "-application website -table MaxwellsDaemon -region us-east-1 -socket /tmp/maxwells-daemon.sock -delay 4s -unhealthy 8s -logfile /var/log/maxwells-daemon.log -state-dir /var/lib/maxwells-daemon";
  const { settings } = loaded({ argv: argv.split(" ") });
  const { settings: defaults } = loaded({});
  for (const option of allOptions()) {
    if (option !== application) expect(settings.get(option)).toEqual(defaults.get(option));
  }
  expect(defaults.get(application)).toEqual(["app"]);
});
