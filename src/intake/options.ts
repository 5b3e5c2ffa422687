/** The settings of the doors for outcomes. */

import { isIP } from "node:net";
import type { HostPort } from "../address.ts";
import { Problem } from "../config/option.ts";
import { orNone, parseHostPort, repeatable, single } from "../config/values.ts";
import { parseNetwork } from "./senders.ts";

export const outcomes = single<HostPort | null>(
  {
    name: "outcomes",
    placeholder: "ADDRESS:PORT",
    summary: "the address at which proxies and applications report outcomes, by UDP and by HTTP; or none",
    defaultText: "127.0.0.1:6298",
  },
  orNone((text) => {
    const address = parseHostPort(text);
    const isAddress = !(address instanceof Problem) && isIP(address.host) !== 0;
    return isAddress ? address : new Problem("write ADDRESS:PORT, such as 127.0.0.1:6298, or none");
  }),
);

export const outcomesFrom = repeatable<string>(
  {
    name: "outcomes-from",
    placeholder: "NETWORK",
    summary: "a network that may report outcomes, besides this machine, such as 10.0.0.0/8",
    absent: [],
  },
  parseNetwork,
);

export const OUTCOME_OPTIONS = [outcomes, outcomesFrom] as const;
