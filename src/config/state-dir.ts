/** The state directory, by itself: servers want it as well, and `options.ts` knows all servers. */

import { Problem } from "./option.ts";
import { orNone, single } from "./values.ts";

export const stateDir = single(
  {
    name: "state-dir",
    placeholder: "PATH",
    summary: "the directory of maintenance files and of the last good snapshot",
    defaultText: "/var/lib/maxwells-daemon",
  },
  orNone((text) => (text === "" ? new Problem("write a directory, or none") : text)),
);
