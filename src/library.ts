/**
 * The public entry to the daemon's parts: `import { Feed } from "maxwells-daemon"`. These names keep their
 * meaning until the next major version. Every other file may move, so `package.json` does not export it;
 * `maxwells-daemon/store` is the contract of a store. The parts run on Bun only.
 */

export { assignmentOfText } from "./assignment.ts";
export { Feed } from "./feed/feed.ts";
export { emptyRequest, Handler } from "./handler.ts";
export { silentLog } from "./log/log.ts";
export { Metrics } from "./metrics.ts";
export { Rollout } from "./rollout.ts";
export { openStore } from "./stores/list.ts";
