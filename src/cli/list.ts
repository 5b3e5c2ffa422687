/** The commands, in the order of the help. A new one is a file in `commands`, and a line here. */

import type { Program } from "./command.ts";
import { abort } from "./commands/abort.ts";
import { ask } from "./commands/ask.ts";
import { check } from "./commands/check.ts";
import { completion } from "./commands/completion.ts";
import { copy } from "./commands/copy.ts";
import { daemon } from "./commands/daemon.ts";
import { demo } from "./commands/demo.ts";
import { doctor } from "./commands/doctor.ts";
import { explain } from "./commands/explain.ts";
import { finish } from "./commands/finish.ts";
import { freeze } from "./commands/freeze.ts";
import { get } from "./commands/get.ts";
import { help } from "./commands/help.ts";
import { history } from "./commands/history.ts";
import { initStore } from "./commands/init-store.ts";
import { judge } from "./commands/judge.ts";
import { pause } from "./commands/pause.ts";
import { plan } from "./commands/plan.ts";
import { promote } from "./commands/promote.ts";
import { quickstart } from "./commands/quickstart.ts";
import { release } from "./commands/release.ts";
import { remove } from "./commands/remove.ts";
import { resume } from "./commands/resume.ts";
import { schema } from "./commands/schema.ts";
import { set } from "./commands/set.ts";
import { simulate } from "./commands/simulate.ts";
import { status } from "./commands/status.ts";
import { undo } from "./commands/undo.ts";
import { version } from "./commands/version.ts";

export const COMMANDS: Program = {
  daemon,
  commands: [
    ask,
    status,
    doctor,
    get,
    set,
    remove,
    history,
    plan,
    simulate,
    release,
    promote,
    pause,
    resume,
    abort,
    undo,
    finish,
    freeze,
    explain,
    judge,
    copy,
    initStore,
    check,
    demo,
    quickstart,
    completion,
    schema,
    version,
    help,
  ],
};
