/**
 * The process around a daemon: its log, its signals, its exit status.
 *
 *     SIGTERM, SIGINT   stop: answer what has been asked, then exit 0 and 130; a second one ends it at once
 *     SIGHUP            open the log file again, after it was rotated away, and say what changed in the configuration
 *
 * A supervisor such as systemd is told when visitors are answered, and that the process is alive
 * (`daemon/supervisor.ts`).
 */

import { configFile } from "../../../config/config-file.ts";
import type { Settings } from "../../../config/option.ts";
import { createDaemon, type Daemon } from "../../../daemon/daemon.ts";
import { insistOrWarn, StartError } from "../../../daemon/start-error.ts";
import { connectSupervisor, UNSUPERVISED } from "../../../daemon/supervisor.ts";
import { createLog, type Log, type LogSink } from "../../../log/log.ts";
import { DescriptorSink, FileSink, leadsToJournal } from "../../../log/sink.ts";
import { application } from "../../../settings/application.ts";
import { logFormat, logfile } from "../../../settings/options.ts";
import { StoreError } from "../../../stores/store.ts";
import { type Invocation, PROGRAM, PROGRAM_VERSION } from "../../command.ts";
import { tellChanges } from "./reload.ts";

const STDERR = 2;

/** For how long an ending process waits for its log to be written. */
const LOG_DRAIN_MS = 300;

/** The line of the start names this many applications. */
const NAMES_SHOWN_MAX = 8;

const EXIT_OK = 0;
const EXIT_FAILED = 1;
/** 128 + SIGINT, as a shell says it and the daemon of 2016 did. */
const EXIT_INTERRUPTED = 130;

export interface RunDaemonOptions {
  /** Called when visitors are answered. */
  readonly onStarted?: (daemon: Daemon) => void;
}

/** Runs a daemon until a signal ends it; resolves with the exit status. */
export async function runDaemon(
  { settings, reread, io }: Pick<Invocation, "settings" | "reread" | "io">,
  options: RunDaemonOptions = {},
): Promise<number> {
  const stderr = new DescriptorSink(STDERR, leadsToJournal(STDERR, io.env));
  const sinks: LogSink[] = [stderr];
  const log = createLog({ format: settings.get(logFormat), sinks });
  let file: FileSink | undefined;
  const end = async (status: number) => {
    log.flush();
    await Promise.all([stderr.drain(LOG_DRAIN_MS), file?.drain(LOG_DRAIN_MS)]);
    return status;
  };
  let supervisor = UNSUPERVISED;
  const stop = async (daemon: Daemon, status: number) => {
    supervisor.stopping();
    log.info("stopping");
    await daemon.close();
    log.info("stopped");
    return end(status);
  };

  process.on("uncaughtException", (error) => surviveBug(error, log));
  process.on("unhandledRejection", (error) => surviveBug(error, log));
  let isRunning = false;
  const signalled = signals(() => {
    if (isRunning) supervisor.reloading();
    reopen(file, log);
    tellChanges(settings, reread, log);
    if (isRunning) supervisor.ready(statusOf(settings));
  });
  try {
    supervisor = await connectSupervisor(io.env, log);
    file = openLogfile(settings, log);
    if (file !== undefined) sinks.push(file);
    const daemon = await Promise.race([createDaemon(settings, log), signalled]);
    // Before the daemon is put together there is nothing to close.
    if (typeof daemon === "number") return await end(daemon);
    const early = await Promise.race([daemon.start(), signalled]);
    if (early !== undefined) return await stop(daemon, early);
    log.info(`${PROGRAM} ${PROGRAM_VERSION} runs`, describe(settings, daemon));
    supervisor.ready(statusOf(settings));
    isRunning = true;
    options.onStarted?.(daemon);

    return await stop(daemon, await signalled);
  } catch (error) {
    const isExpected = error instanceof StartError || error instanceof StoreError;
    log.error(isExpected ? error.message : `cannot go on: ${error instanceof Error ? error.stack : error}`);
    return await end(EXIT_FAILED);
  }
}

/** Resolves with the exit status that belongs to the first signal to stop. */
function signals(onHangup: () => void): Promise<number> {
  process.on("SIGHUP", onHangup);
  return new Promise((resolve) => {
    let isStopping = false;
    const stop = (status: number) => () => {
      if (isStopping) process.exit(status);
      isStopping = true;
      resolve(status);
    };
    process.on("SIGTERM", stop(EXIT_OK));
    process.on("SIGINT", stop(EXIT_INTERRUPTED));
  });
}

function openLogfile(settings: Settings, log: Log): FileSink | undefined {
  const path = settings.get(logfile);
  if (path === null) return undefined;
  try {
    return new FileSink(path);
  } catch (error) {
    const problem = {
      message: `the log file ${path} cannot be opened`,
      consequence: "the log goes to stderr alone",
      remedy: "make it writable for this user, choose another -logfile, or -logfile none",
    };
    insistOrWarn(settings.isNamed(logfile), problem, error, log);
    return undefined;
  }
}

function reopen(file: FileSink | undefined, log: Log): void {
  if (file === undefined) {
    log.info("no log file is open, so none is opened again");
    return;
  }
  try {
    file.reopen();
    log.info("opened the log file again");
  } catch (error) {
    log.error("the log file cannot be opened again; the daemon goes on with the old one", {
      error: String(error),
    });
  }
}

/** A bug must not cost every visitor the daemon: it is reported, and the requests go on. */
function surviveBug(error: unknown, log: Log): void {
  log.error("a bug, please report it; the daemon goes on", {
    error: error instanceof Error ? (error.stack ?? error.message) : String(error),
  });
}

/** The line that `systemctl status` shows. */
function statusOf(settings: Settings): string {
  const [first = "", ...others] = settings.get(application);
  return `answers for ${others.length === 0 ? first : `${first} and ${others.length} more`}`;
}

function describe(settings: Settings, daemon: Daemon): Record<string, string> {
  return {
    applications: namesText(settings.get(application)),
    store: daemon.store,
    config: settings.get(configFile) ?? "none",
    listen: daemon.listeners.map(({ name }) => name).join(", ") || "none",
    ...(daemon.publishers.length === 0
      ? {}
      : { leases: daemon.publishers.map(({ name }) => name).join(", ") }),
    admin: daemon.adminUrl ?? "none",
  };
}

/** Some names, and how many there are beside them. */
function namesText(names: readonly string[]): string {
  const shown = names.slice(0, NAMES_SHOWN_MAX).join(",");
  return names.length > NAMES_SHOWN_MAX ? `${shown} and ${names.length - NAMES_SHOWN_MAX} more` : shown;
}
