/** The commands, in the order of the help. A new one is a file beside this, and a line here. */

import { ask } from "./ask.ts";
import { check } from "./check.ts";
import type { Program } from "./command.ts";
import { completion } from "./completion.ts";
import { copy } from "./copy.ts";
import { doctor } from "./doctor.ts";
import { get } from "./get.ts";
import { help } from "./help.ts";
import { history } from "./history.ts";
import { initStore } from "./init-store.ts";
import { quickstart } from "./quickstart.ts";
import { remove } from "./remove.ts";
import { serve } from "./serve.ts";
import { set } from "./set.ts";
import { status } from "./status.ts";
import { version } from "./version.ts";

export const PROGRAM_TABLE: Program = {
  daemon: serve,
  commands: [
    ask,
    status,
    doctor,
    get,
    set,
    remove,
    history,
    copy,
    initStore,
    check,
    quickstart,
    completion,
    version,
    help,
  ],
};
