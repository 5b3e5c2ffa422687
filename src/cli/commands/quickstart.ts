/** From nothing to a daemon that answers, in the current directory: what `npm start` runs. */

import { existsSync, realpathSync, writeFileSync } from "node:fs";
import { relative, resolve } from "node:path";
import { addressText, hostPortText } from "../../address.ts";
import { admin } from "../../admin/admin.ts";
import { ask as askDaemon } from "../../client/line.ts";
import { ALL_TABLES, allOptions } from "../../daemon/all-options.ts";
import { socket } from "../../servers/line.ts";
import { application } from "../../settings/application.ts";
import { store } from "../../settings/options.ts";
import { rolloutText } from "../../text/amounts.ts";
import { oneLine } from "../../text/one-line.ts";
import { redactAddress } from "../../text/redact.ts";
import { type Command, type Invocation, PROGRAM } from "../command.ts";
import { CliError } from "../exit.ts";

const ROLLOUTS_FILE = "rollouts.json";
const FIRST_ROLLOUT = 0.1;

/** A daemon that is there answers at once. */
const PROBE_TIMEOUT_MS = 300;

export const quickstart: Command = {
  name: "quickstart",
  summary: "run a daemon on a file in this directory, to try it",
  description: `It writes ${ROLLOUTS_FILE} if there is none. All flags of the daemon work here as well.`,
  positionals: [],
  options: allOptions(),
  tables: ALL_TABLES,
  defaults: {
    store: `file:${ROLLOUTS_FILE}`,
    application: "app",
    "state-dir": ".maxwells-daemon",
    logfile: "none",
    statsd: "none",
    releases: "on",
  },
  examples: [{ line: "quickstart", meaning: "then ask it from another terminal" }],

  async run(invocation) {
    const { settings, io } = invocation;
    await refuseToTakeOver(invocation);
    if (!settings.isNamed(store)) writeFirstRollouts(invocation);
    const { runDaemon } = await import("./daemon/process.ts");
    return runDaemon(invocation, {
      onStarted: (daemon) =>
        io.stdout.write(
          welcome(
            invocation,
            [...daemon.listeners, ...daemon.publishers].map(({ name }) => name),
            daemon.adminUrl,
          ),
        ),
    });
  },
};

/** A second daemon on a socket takes the first one's place. That is for upgrades, not for trials. */
async function refuseToTakeOver({ settings, io }: Invocation): Promise<void> {
  const address = settings.get(socket);
  if (address === null || address.kind === "fd") return;
  const isTaken = await askDaemon({ address, timeoutMs: PROBE_TIMEOUT_MS }).then(
    () => true,
    () => false,
  );
  if (isTaken) {
    throw new CliError(
      "failed",
      `a daemon answers at ${addressText(address)} already; this one would take its place, so it was not started`,
      `give this one another socket: ${programHere(io.env)} quickstart -socket ./maxwells-daemon.sock -admin none`,
    );
  }
}

function writeFirstRollouts({ settings, io }: Invocation): void {
  const path = resolve(ROLLOUTS_FILE);
  if (existsSync(path)) return;
  const rollouts = Object.fromEntries(
    settings.get(application).map((name) => [name, { canary: FIRST_ROLLOUT }]),
  );
  try {
    writeFileSync(path, `${JSON.stringify(rollouts, null, 2)}\n`, { flag: "wx" });
  } catch (error) {
    throw new CliError(
      "failed",
      `${path} cannot be written: ${(error as Error).message}`,
      "change to a directory of yours",
      { cause: error },
    );
  }
  const share = `canary serves ${rolloutText(FIRST_ROLLOUT)} of all visitors, and master the others`;
  io.stdout.write(`wrote ${oneLine(path)}: ${share}\n`);
}

function welcome(
  { settings, io }: Invocation,
  forProxies: readonly string[],
  adminUrl: string | undefined,
): string {
  const program = programHere(io.env);
  const address = settings.get(socket);
  const socketFlag = settings.isNamed(socket) && address?.kind === "unix" ? ` -socket ${address.path}` : "";
  const adminAddress = settings.get(admin);
  const adminFlag = settings.isNamed(admin) && adminAddress ? ` -admin ${hostPortText(adminAddress)}` : "";
  const storeFlag = ` -store ${redactAddress(settings.get(store))}`;
  const names = settings.get(application);
  // The commands to try would else be about the daemon that this machine is set up for.
  const isSetUp = io.defaultConfigFile !== undefined && existsSync(io.defaultConfigFile);
  const configFlag = isSetUp ? " -config none" : "";
  const applicationFlag = settings.isNamed(application) ? ` -application ${names[0]}` : "";
  return plainLines([
    "",
    `${PROGRAM} answers for ${names.join(", ")}; press Ctrl-C to end it`,
    ...forProxies.map((name) => `  ${name}`),
    "",
    ...(adminUrl === undefined ? [] : [`Its page, for a browser: ${adminUrl}/`, ""]),
    "Try, in another terminal and in this directory:",
    `  ${program} ask -v${socketFlag}${configFlag}`,
    "      which version serves a new visitor, and why",
    `  ${program} set canary 50%${storeFlag}${applicationFlag}${configFlag}`,
    "      canary serves half of all visitors from now on",
    ...(adminAddress === null
      ? []
      : [`  ${program} status${adminFlag}${configFlag}`, "      what the daemon has read and decided"]),
    // A hint that does not work is worse than none.
    ...(address?.kind === "unix" && Bun.which("nc", { PATH: io.env["PATH"] ?? "" }) !== null
      ? [`  printf '0.42\\n' | nc -U -q 1 ${address.path}`, "      the question as a proxy asks it"]
      : []),
    "",
  ]);
}

/** The command that starts this program in another terminal, in this directory: its name if it is in PATH. */
function programHere(env: Invocation["io"]["env"]): string {
  if (env["npm_command"] === "exec") return `npx ${PROGRAM}`;
  const launcher = resolve(import.meta.dir, "../../../bin", PROGRAM);
  // An executable of one file has no launcher.
  const path = existsSync(launcher) ? launcher : process.execPath;
  const found = Bun.which(PROGRAM, { PATH: env["PATH"] ?? "" });
  if (found !== null && realpathSync(found) === realpathSync(path)) return PROGRAM;
  const here = relative(process.cwd(), path);
  if (here.startsWith("..")) return path;
  return here.includes("/") ? here : `./${here}`;
}

function plainLines(lines: readonly string[]): string {
  return lines.map((line) => `${oneLine(line)}\n`).join("");
}
