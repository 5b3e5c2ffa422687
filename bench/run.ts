/**
 * `npm run bench`: the speed of the daemon, always as a share of a yardstick in the same run (README.md).
 *
 *     npm run bench -- [--quick] [--executable] [--check] [--write] [--against REVISION] [--stores NAME,…] [SECTION …]
 *
 * All processes that it starts end with it, even on Ctrl-C, and all files are in one temporary directory.
 */

import { chmodSync, mkdtempSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { cpus, loadavg, release, tmpdir } from "node:os";
import { join } from "node:path";
import { parseArgs } from "node:util";
import { benchApplications } from "./applications.ts";
import { benchClient } from "./client.ts";
import { killDescendants } from "./descendants.ts";
import { benchHttp, WRK_MISSING, wrkSeconds } from "./http.ts";
import { benchIntake } from "./intake.ts";
import { benchLine } from "./line.ts";
import { benchMemory } from "./memory.ts";
import { benchNginx, benchNginxAgainst } from "./nginx.ts";
import { benchPage } from "./page.ts";
import { benchProxies } from "./proxies.ts";
import { benchReleases } from "./releases.ts";
import { isGood, notMeasuredRow, type Row, ratioRow, table, withTable } from "./report.ts";
import { benchReporting } from "./reporting.ts";
import { benchRescue } from "./rescue.ts";
import { checkOut } from "./revision.ts";
import { FULL, QUICK, type Setup } from "./setup.ts";
import { benchStart } from "./start.ts";
import { ENGINES } from "./stores/engines.ts";
import { benchStores } from "./stores.ts";
import { executable, SOURCE } from "./subject.ts";
import { benchVerdicts } from "./verdicts.ts";

const ROOT = join(import.meta.dir, "..");
const PAGE = join(import.meta.dir, "README.md");

const SECTIONS: Readonly<Record<string, (setup: Setup) => Promise<Row[]>>> = {
  line: benchLine,
  http: benchHttp,
  client: benchClient,
  nginx: benchBehindNginx,
  proxies: benchProxies,
  memory: benchMemory,
  start: benchStart,
  stores: benchStores,
  applications: benchApplications,
  releases: benchReleases,
  page: benchPage,
  verdicts: benchVerdicts,
  rescue: benchRescue,
  reporting: benchReporting,
  intake: benchIntake,
};

/** All that a judged release promises. */
const JUDGE = ["verdicts", "rescue", "reporting", "intake"];

const NGINX_AT_LEAST = 0.55;

const USAGE = `usage: npm run bench -- [--quick] [--executable] [--check] [--write] [--against REVISION] [--stores NAME,...] [SECTION ...]

sections: ${Object.keys(SECTIONS).join(", ")}; all of them by default
          judge stands for ${JUDGE.join(", ")}
  --quick        short turns, in some minutes
  --executable   builds dist/maxwells-daemon first; without, it is measured if it is there
  --check        exit status 1 where a bound is missed or not measured
  --against R    another revision takes its turns beside this one, in line, http and nginx
  --stores N,N   only these kinds of stores, in the sections that run on several
  --write        writes the table into bench/README.md; only for a whole run
`;

const EXIT_MISSED = 1;
const EXIT_USAGE = 2;

/** The signals that interrupt a run, and the exit statuses that belong to them. */
const INTERRUPTS = { SIGHUP: 129, SIGINT: 130, SIGTERM: 143 } as const;

process.exit(await main());

async function main(): Promise<number> {
  const given = readArguments(process.argv.slice(2));
  if (typeof given === "string") {
    process.stderr.write(`${given}\n\n${USAGE}`);
    return EXIT_USAGE;
  }
  const { values, sections, stores } = given;
  if (values.help) {
    process.stdout.write(USAGE);
    return 0;
  }

  const directory = mkdtempSync(join(tmpdir(), "maxwells-daemon-bench-"));
  // Apache's children run as another user, and have files in there.
  chmodSync(directory, 0o711);
  // From here on, all temporary directories are made in there.
  process.env["TMPDIR"] = directory;
  const cleanUp = () => {
    killDescendants();
    rmSync(directory, { recursive: true, force: true });
  };
  for (const [signal, status] of Object.entries(INTERRUPTS)) {
    process.on(signal, () => {
      cleanUp();
      process.exit(status);
    });
  }
  try {
    if (values.executable) await build();
    const about = machine();
    const rows = await measure(sections, values.quick, values.against, stores);
    const text = `${about}\n\n${table(rows)}`;
    console.log(text);
    if (values.write) writeFileSync(PAGE, withTable(readFileSync(PAGE, "utf8"), text));
    return values.check && !rows.every(isGood) ? EXIT_MISSED : 0;
  } finally {
    cleanUp();
  }
}

/** The arguments, or a message about what is wrong with them. */
function readArguments(argv: string[]) {
  const boolean = { type: "boolean", default: false } as const;
  const options = {
    quick: boolean,
    executable: boolean,
    check: boolean,
    write: boolean,
    against: { type: "string" } as const,
    stores: { type: "string" } as const,
    help: boolean,
  };
  try {
    const { values, positionals } = parseArgs({ args: argv, options, allowPositionals: true });
    const named = positionals.flatMap((name) => (name === "judge" ? JUDGE : [name]));
    const unknown = named.filter((name) => !Object.hasOwn(SECTIONS, name));
    if (unknown.length > 0) return `no such section: ${unknown.join(", ")}`;
    const stores = values.stores?.split(",");
    const unheard = stores?.filter((name) => !ENGINES.some((engine) => engine.name === name)) ?? [];
    if (unheard.length > 0) return `no such store: ${unheard.join(", ")}`;
    if (values.write && (values.quick || positionals.length > 0 || stores !== undefined)) {
      return "--write is for a whole run: leave out --quick, --stores and the sections";
    }
    const sections = Object.keys(SECTIONS).filter((name) => named.length === 0 || named.includes(name));
    return { values, sections, stores };
  } catch (error) {
    return (error as Error).message;
  }
}

async function measure(
  sections: readonly string[],
  isQuick: boolean,
  against: string | undefined,
  stores: readonly string[] | undefined,
): Promise<Row[]> {
  const setup: Setup = {
    ...(isQuick ? QUICK : FULL),
    against: against === undefined ? undefined : await checkOut(against),
    stores,
    programs: [SOURCE, executable()].filter((program) => program !== undefined),
    say: (progress) => process.stderr.write(`  ${progress}\n`),
  };
  const rows: Row[] = [];
  for (const name of sections) {
    try {
      rows.push(...((await SECTIONS[name]?.(setup)) ?? []));
    } catch (error) {
      const [reason = ""] = (error as Error).message.split("\n");
      process.stderr.write(`${name}: ${(error as Error).stack}\n`);
      rows.push(notMeasuredRow(name, reason));
      // The section may have stopped at any point, with processes still running.
      killDescendants();
    }
  }
  return rows;
}

async function benchBehindNginx(setup: Setup): Promise<Row[]> {
  const what = "nginx with the daemon, of bare nginx: source";
  if (Bun.which("wrk") === null) return [notMeasuredRow(what, WRK_MISSING)];
  const { bare, lua } = await benchNginx({ turns: setup.turns, seconds: wrkSeconds(setup) });
  const row = ratioRow(what, lua, bare, NGINX_AT_LEAST);
  return setup.against === undefined ? [row] : [row, ...(await benchNginxAgainst(setup, setup.against))];
}

async function build(): Promise<void> {
  const child = Bun.spawn([process.execPath, join(ROOT, "scripts/build.ts")], {
    stdin: "ignore",
    stdout: "ignore",
    stderr: "inherit",
  });
  if ((await child.exited) !== 0) throw new Error("the executable cannot be built");
}

/** The revision, the versions, the machine and the day of a measurement. */
function machine(): string {
  const revision = Bun.spawnSync(["git", "-C", ROOT, "rev-parse", "--short", "HEAD"])
    .stdout.toString()
    .trim();
  const processors = cpus();
  return [
    `${new Date().toISOString().slice(0, 10)}, revision ${revision}, Bun ${Bun.version}, Linux ${release()}`,
    `${processors.length} × ${processors[0]?.model ?? "unknown processor"}`,
    `load before the run ${loadavg()[0]?.toFixed(2)}`,
  ].join("; ");
}
