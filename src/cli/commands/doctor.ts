/** Looks whether a set-up works, from the daemon to the visitors. The checks are in `src/doctor`. */

import { type Option, Problem } from "../../config/option.ts";
import { parseSwitch, repeatable, single } from "../../config/values.ts";
import { DaemonSide } from "../../doctor/daemon-side.ts";
import { PROXY_NAMES, type ProxyName } from "../../doctor/machine/proxies.ts";
import { countsOf, reportJson, reportPage } from "../../doctor/report.ts";
import { runChecks } from "../../doctor/run.ts";
import { parseVersionText, type VersionText } from "../../doctor/site/reply-version.ts";
import { Site } from "../../doctor/site/site.ts";
import { storeSide } from "../../doctor/store-side.ts";
import { listApplications } from "../../records/applications.ts";
import { socket } from "../../servers/line.ts";
import { application } from "../../settings/application.ts";
import { allowForce, stateDir, store } from "../../settings/options.ts";
import { type Store, StoreError } from "../../stores/store.ts";
import { oneLine } from "../../text/one-line.ts";
import { admins } from "../admins.ts";
import { type Command, type Invocation, PROGRAM, PROGRAM_VERSION } from "../command.ts";
import { daemonSocket } from "../daemon-socket.ts";
import { EXITS } from "../exit.ts";
import { output, print } from "../output.ts";
import { STORE_OPTIONS, withStore } from "../with-store.ts";

const PROBES_MIN = 10;
const PROBES_MAX = 10_000;

const url: Option<readonly URL[]> = repeatable<URL>(
  {
    name: "url",
    placeholder: "URL",
    summary:
      "the address of a page as visitors reach it; probe visitors go there. Repeat it for more proxies: doctor looks whether they report",
    absent: [],
    flagOnly: true,
  },
  (text) => {
    const parsed = URL.canParse(text) ? new URL(text) : undefined;
    const isSound = parsed !== undefined && /^https?:$/.test(parsed.protocol) && parsed.username === "";
    return isSound ? parsed : new Problem("write http://HOST/ or https://HOST/, without user and password");
  },
);

const versionHeader = single(
  {
    name: "version-header",
    placeholder: "NAME",
    summary: "the header in which a response names its version",
    defaultText: "maxwellsdaemon-location",
    flagOnly: true,
  },
  (text) => (/^[A-Za-z0-9_-]+$/.test(text) ? text : new Problem("write the name of a header")),
);

const versionText: Option<readonly VersionText[]> = repeatable<VersionText>(
  {
    name: "version-text",
    placeholder: "VERSION=REGEX",
    summary: "a text by which a page shows its version, if no header names it; give master one, too",
    absent: [],
    flagOnly: true,
  },
  parseVersionText,
);

const header = repeatable<readonly [name: string, value: string]>(
  {
    name: "header",
    placeholder: "HEADER",
    summary: "a header of every probe, such as 'Host: shop.example'",
    absent: [],
    flagOnly: true,
  },
  (text) => {
    const [, name, value] = /^([A-Za-z0-9_-]+):[ \t]*([\t\x20-\x7e]*)$/.exec(text) ?? [];
    if (name === undefined || value === undefined)
      return new Problem("write NAME: VALUE, in characters of ASCII");
    return /^cookie$/i.test(name)
      ? new Problem("cookies are what doctor tries; name another header")
      : [name, value];
  },
);

const probes = single(
  {
    name: "probes",
    placeholder: "NUMBER",
    summary: `the number of probe visitors that measure the split, from ${PROBES_MIN} to ${PROBES_MAX}`,
    defaultText: "200",
    flagOnly: true,
  },
  (text) => {
    const count = /^\d{1,5}$/.test(text) ? Number(text) : Number.NaN;
    return count >= PROBES_MIN && count <= PROBES_MAX
      ? count
      : new Problem(`write a number from ${PROBES_MIN} to ${PROBES_MAX}`);
  },
);

const proxy: Option<readonly ProxyName[]> = repeatable<ProxyName>(
  {
    name: "proxy",
    placeholder: "NAME|PID",
    summary:
      "a proxy to look at, such as nginx, or the number of its process; all of this machine if none is named",
    absent: [],
    flagOnly: true,
  },
  (text) => {
    if (/^[1-9]\d{0,9}$/.test(text)) return Number(text);
    return PROXY_NAMES.includes(text)
      ? text
      : new Problem(`write one of ${PROXY_NAMES.join(", ")}, or the number of its process`);
  },
);

const mayBreak = single(
  {
    name: "break",
    summary:
      "also stop the daemon for some seconds, and then start it again: meanwhile all visitors go to master",
    defaultText: "false",
    flagOnly: true,
  },
  parseSwitch,
);

const insecure = single(
  {
    name: "insecure",
    summary: "accept any certificate of -url",
    defaultText: "false",
    flagOnly: true,
  },
  parseSwitch,
);

export const doctor: Command = {
  name: "doctor",
  summary: "find out whether a set-up works, from the daemon to what visitors get",
  description:
    "It looks at this machine and asks the daemon. With -url it also sends probe visitors. They count as traffic in all\n" +
    `your metrics, and their user agent is ${PROGRAM}-doctor. It changes nothing, except with -break. The exit\n` +
    "status is 1 if a check failed, and 3 if neither a daemon nor the URL answered.",
  positionals: [],
  options: [
    ...[url, versionHeader, versionText, header, insecure, probes, proxy, mayBreak],
    ...[application, socket, admins, stateDir, allowForce, output, ...STORE_OPTIONS],
  ],
  summaries: {
    application: "the application to look at; the daemon's first one if none is named",
    admin:
      "the admin listener of the daemon. Repeat it for more daemons: doctor asks them which outcomes they heard",
    "allow-force": "testers should be able to force their location; without it, no visitor should",
  },
  examples: [
    { line: "doctor", meaning: "looks at this machine" },
    { line: "doctor -url http://127.0.0.1/", meaning: "and at what visitors get" },
    {
      line: "doctor -url https://shop.example/ -version-text master='v41' -version-text canary='v42'",
      meaning: "if only the page itself shows its version",
    },
    {
      line: "doctor -url http://127.0.0.1/ -break -o json",
      meaning: "in CI: also while the daemon is stopped",
    },
  ],

  async run(invocation) {
    const { settings, storeFlags } = invocation;
    const [adminAddress = null, ...otherAdmins] = settings.get(admins);
    const address = await daemonSocket(settings, adminAddress);
    const name = settings.isNamed(application) ? settings.get(application)[0] : undefined;
    const [site, ...otherSites] = sitesOf(invocation);
    const found = await runChecks(
      {
        storeFlags,
        probes: settings.get(probes),
        mayBreak: settings.get(mayBreak),
        allowForce: settings.get(allowForce),
        stateDirectory: settings.get(stateDir),
        proxies: settings.get(proxy),
        otherSites,
        otherDaemons: otherAdmins.map((other) => new DaemonSide(null, other, name)),
        ...(settings.isNamed(store)
          ? {
              storedApplications: (address) =>
                inDaemonsStore(invocation, address, (opened, signal) => listApplications(opened, signal)),
              storeSide: (address, names, trial) =>
                inDaemonsStore(invocation, address, (opened, signal) =>
                  storeSide(opened, names, trial, signal),
                ),
            }
          : {}),
        tell: (line) => invocation.io.stderr.write(`${PROGRAM}: ${oneLine(line)}\n`),
        random: Math.random,
      },
      new DaemonSide(address?.kind === "fd" ? null : address, adminAddress, name),
      site,
    );
    const report = { version: PROGRAM_VERSION, url: site === undefined ? null : site.shownUrl, ...found };
    print(invocation, reportJson(report), () => reportPage(report));
    if (!report.isAnybodyThere) return EXITS.unreachable.status;
    return countsOf(report.checks).fail > 0 ? EXITS.failed.status : EXITS.ok.status;
  },
};

function sitesOf({ settings }: Invocation): readonly Site[] {
  return settings.get(url).map(
    (address) =>
      new Site({
        url: address,
        userAgent: `${PROGRAM}-doctor/${PROGRAM_VERSION}`,
        isInsecure: settings.get(insecure),
        headers: settings.get(header),
        versionHeader: settings.get(versionHeader),
        versionTexts: settings.get(versionText),
      }),
  );
}

/** Works in the store of the settings, if that is the daemon's own store. Undefined if it cannot be read. */
async function inDaemonsStore<T>(
  { settings, io }: Invocation,
  address: string,
  work: (opened: Store, signal: AbortSignal) => Promise<T> | undefined,
): Promise<T | undefined> {
  try {
    return await withStore(settings, io, async (opened, signal) =>
      opened.address === address ? work(opened, signal) : undefined,
    );
  } catch (error) {
    if (error instanceof StoreError) return undefined;
    throw error;
  }
}
