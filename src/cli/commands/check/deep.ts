/**
 * `check -deep`: opens all that the daemon would open, and closes it again: the store, the files, the
 * listeners, and the proxies that the daemon writes to. So the restart brings no surprise. It reads and
 * binds, writes nothing, and takes no socket away from a daemon that runs.
 *
 * With a problem the daemon would not start, or not know its rollouts. With a warning it would go on.
 */

import { existsSync } from "node:fs";
import { dirname, resolve } from "node:path";
import { admin } from "../../../admin/admin.ts";
import { fetchState } from "../../../admin/client/fetch-state.ts";
import type { State } from "../../../admin/state.ts";
import type { LoadedSettings } from "../../../config/load.ts";
import { type Option, Problem } from "../../../config/option.ts";
import { nearestThere, whyNoFilesIn, whyNotWritable } from "../../../files/writable.ts";
import type { LeaseKind } from "../../../leases/lease.ts";
import { LEASES } from "../../../leases/list.ts";
import { notifySecret, SecretError, signingKeys } from "../../../notices/options.ts";
import { adminTokenFile } from "../../../page/options.ts";
import { readToken } from "../../../page/token-file.ts";
import { RIGHTS_REMEDY } from "../../../releases/rights-remedy.ts";
import { SERVERS } from "../../../servers/list.ts";
import { application } from "../../../settings/application.ts";
import { logfile, releases, stateDir } from "../../../settings/options.ts";
import type { Store } from "../../../stores/store.ts";
import { tryWrite } from "../../../verbs/write-trial.ts";
import type { Io } from "../../command.ts";
import { withStore } from "../../with-store.ts";
import { ANSWER_TIMEOUT_MS, checkListener, checkPort } from "./listeners.ts";
import type { OpenedSetting } from "./opened-setting.ts";

/** The others are in the same store, so they are not read. */
const APPLICATIONS_READ_MAX = 100;

/** Opens and closes everything; never rejects for what an operator can mend. */
export async function checkDeep(settings: LoadedSettings, io: Io): Promise<readonly OpenedSetting[]> {
  const running = await runningDaemon(settings);
  const findings = await Promise.all([
    checkStore(settings, io),
    ...[...SERVERS, ...LEASES].flatMap((kind) =>
      kind.addresses(settings).map((address) => checkListener(kind.name, address, running)),
    ),
    checkAdmin(settings, running),
    ...LEASES.map((kind) => checkTargets(kind, settings)),
  ]);
  return [...findings.flat(), ...checkFiles(settings), ...checkToken(settings), ...checkSecrets(settings)];
}

/** The daemon that answers at this configuration's admin address, if there is one. */
async function runningDaemon(settings: LoadedSettings): Promise<State | undefined> {
  const address = settings.get(admin);
  if (address === null) return undefined;
  return fetchState(address, ANSWER_TIMEOUT_MS).catch(() => undefined);
}

async function checkStore(settings: LoadedSettings, io: Io): Promise<OpenedSetting[]> {
  const setting = "-store";
  const names = settings.get(application);
  try {
    return await withStore(settings, io, async (store, signal) => {
      const findings: OpenedSetting[] = [];
      for (const name of names.slice(0, APPLICATIONS_READ_MAX)) {
        const { size } = await store.read(name, signal);
        findings.push(
          size > 0
            ? { level: "ok", setting, text: `${name} can be read from ${store.address}` }
            : {
                level: "warning",
                setting,
                text: `${store.address} has no record of ${name}: all visitors go to master; is the name right?`,
              },
        );
      }
      const [first] = names;
      const isLeading = first !== undefined && settings.get(releases);
      return isLeading ? [...findings, await checkRights(store, first, signal)] : findings;
    });
  } catch (error) {
    return [{ level: "problem", setting, text: (error as Error).message }];
  }
}

/** Whether a daemon with `-releases on` may write. It starts and serves visitors if it may not. */
async function checkRights(store: Store, application: string, signal: AbortSignal): Promise<OpenedSetting> {
  const setting = "-releases";
  const trial = await tryWrite(store, application, signal);
  switch (trial.kind) {
    case "allowed":
      return { level: "ok", setting, text: `this login may write ${store.address}` };
    case "unknown":
      return {
        level: "warning",
        setting,
        text: `it is not known whether this login may write: ${trial.why}`,
      };
    default:
      return {
        ...{ level: "warning", setting },
        text: `this daemon can advance no release: ${trial.why}; ${RIGHTS_REMEDY}`,
      };
  }
}

async function checkTargets(kind: LeaseKind, settings: LoadedSettings): Promise<OpenedSetting[]> {
  const trials = (await kind.tryTargets?.(settings)) ?? [];
  return trials.map((trial) => ({ setting: `-${kind.name}`, ...trial }));
}

async function checkAdmin(settings: LoadedSettings, running: State | undefined): Promise<OpenedSetting[]> {
  const address = settings.get(admin);
  if (address === null) return [];
  const finding = await checkPort("-admin", address.host, address.port, running !== undefined);
  // The daemon starts without an admin listener at the default address, so that is only a warning.
  return [softened(finding, settings.isNamed(admin))];
}

function checkFiles(settings: LoadedSettings): OpenedSetting[] {
  const findings: OpenedSetting[] = [];
  const log = settings.get(logfile);
  if (log !== null) {
    const refused = existsSync(log) ? whyNotWritable(log) : whyNoFilesIn(dirname(resolve(log)));
    findings.push(
      fileFinding(
        settings,
        logfile,
        refused,
        `${log} can be written`,
        "make it writable for this user, or -logfile none",
      ),
    );
  }
  const state = settings.get(stateDir);
  if (state !== null) {
    const refused = whyNoFilesIn(nearestThere(resolve(state)));
    findings.push(
      fileFinding(
        settings,
        stateDir,
        refused,
        `${state} can be written`,
        "make it writable for this user, or -state-dir none",
      ),
    );
  }
  return findings;
}

/** Without a token the daemon serves visitors, and its page only shows. */
function checkToken(settings: LoadedSettings): OpenedSetting[] {
  const path = settings.get(adminTokenFile);
  if (path === null) return [];
  const setting = `-${adminTokenFile.name}`;
  const token = readToken(path);
  if (!(token instanceof Problem)) return [{ level: "ok", setting, text: "the token can be read" }];
  const text = `no operator can log in to the page, and no alert can abort: ${token.message}`;
  return [{ level: "warning", setting, text }];
}

/** A daemon that leads no releases sends no notices, and does not read their secrets. */
function checkSecrets(settings: LoadedSettings): OpenedSetting[] {
  if (!settings.get(releases) || settings.get(notifySecret).length === 0) return [];
  const setting = `-${notifySecret.name}`;
  try {
    const { length } = signingKeys(settings);
    return [
      { level: "ok", setting, text: `${length === 1 ? "one secret" : `${length} secrets`} can be read` },
    ];
  } catch (error) {
    if (!(error instanceof SecretError)) throw error;
    return [{ level: "problem", setting, text: error.message }];
  }
}

function fileFinding(
  settings: LoadedSettings,
  option: Option<unknown>,
  refused: string | undefined,
  well: string,
  remedy: string,
): OpenedSetting {
  const setting = `-${option.name}`;
  if (refused === undefined) return { level: "ok", setting, text: well };
  return softened({ level: "problem", setting, text: `${refused}; ${remedy}` }, settings.isNamed(option));
}

/** The daemon starts without what is only a default, and warns. */
function softened(finding: OpenedSetting, isNamed: boolean): OpenedSetting {
  return finding.level === "problem" && !isNamed ? { ...finding, level: "warning" } : finding;
}
