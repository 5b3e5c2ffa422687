/** The whole story of a release on one machine, for a person who has never seen this program. */

import { type Option, Problem } from "../../config/option.ts";
import { parseSwitch, single } from "../../config/values.ts";
import { CANARIES, type CanaryKind } from "../../demo/canaries.ts";
import type { Command } from "../command.ts";

const PROXIES = ["auto", "nginx", "builtin"] as const;

const canary = single<CanaryKind>(
  {
    name: "canary",
    placeholder: CANARIES.join("|"),
    summary: "the behaviour of the canary: it fails for one visitor in ten, is slow, dies, or is fine",
    defaultText: "broken",
    flagOnly: true,
  },
  (text) => CANARIES.find((each) => each === text) ?? new Problem(`write one of ${CANARIES.join(", ")}`),
);

const proxy = single<(typeof PROXIES)[number]>(
  {
    name: "proxy",
    placeholder: PROXIES.join("|"),
    summary: "the proxy: nginx if it is installed, always nginx, or the one that the demo brings",
    defaultText: "auto",
    flagOnly: true,
  },
  (text) => PROXIES.find((each) => each === text) ?? new Problem(`write one of ${PROXIES.join(", ")}`),
);

const PORT_MAX = 65_535;

const port: Option<number> = single<number>(
  {
    name: "port",
    placeholder: "PORT",
    summary: "the port of the page on this machine; 0 is a free one",
    defaultText: "0",
    flagOnly: true,
  },
  (text) =>
    /^\d{1,5}$/.test(text) && Number(text) <= PORT_MAX
      ? Number(text)
      : new Problem(`write a port, from 0 to ${PORT_MAX}`),
);

const open = single<boolean>(
  { name: "open", summary: "open the page in the browser", defaultText: "false", flagOnly: true },
  parseSwitch,
);

const stay: Option<boolean | undefined> = single<boolean | undefined>(
  {
    name: "stay",
    summary: "keep the page after the end until Ctrl-C; by default only in a terminal",
    flagOnly: true,
  },
  parseSwitch,
);

export const demo: Command = {
  name: "demo",
  summary: "play a whole release on this machine, to see in a minute what happens",
  description:
    "It runs two versions of a small shop, a proxy in front of them, 300 simulated visitors, and a real daemon. Then it\n" +
    "releases version 2. The daemon finds that this version harms visitors, and takes it back. The page in the browser shows\n" +
    "it live. The proxy is nginx, with the files of integrations/nginx, if nginx is installed. All of it is in a temporary\n" +
    "directory and on free ports of this machine, and is gone at the end. It touches no other daemon and no other nginx.",
  positionals: [],
  options: [canary, proxy, port, open, stay],
  examples: [
    { line: "demo", meaning: "a canary that fails for one visitor in ten" },
    {
      line: "demo -canary fine -open",
      meaning: "a sound one that reaches all visitors, with the page in the browser",
    },
  ],

  async run(invocation) {
    const { settings, io } = invocation;
    // Loaded only now: no other command needs a daemon, a proxy and a shop.
    const { runDemo } = await import("./demo/run.ts");
    return runDemo(invocation, {
      canary: settings.get(canary),
      proxy: settings.get(proxy),
      port: settings.get(port),
      opens: settings.get(open),
      stays: settings.get(stay) ?? io.isInteractive === true,
    });
  },
};
