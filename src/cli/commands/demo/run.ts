/** Opens the stage, plays the story on it, and takes everything away again, whatever happens. */

import { tmpdir } from "node:os";
import { StartError } from "../../../daemon/start-error.ts";
import { CANARY_OF } from "../../../demo/canaries.ts";
import { Stage, StageError, type StageOptions } from "../../../demo/stage.ts";
import { openStore } from "../../../stores/list.ts";
import { errorMessage } from "../../../text/error-message.ts";
import { type Invocation, PROGRAM } from "../../command.ts";
import { CliError, EXITS } from "../../exit.ts";
import { openPage } from "./open-page.ts";
import { endBySignals } from "./signals.ts";
import { Story } from "./story.ts";
import { Teller } from "./teller.ts";

export interface DemoOptions extends Pick<StageOptions, "canary" | "proxy" | "port"> {
  /** Whether the browser should show the page. */
  readonly opens: boolean;
  /** Whether the page stays after the end of the story, until Ctrl-C. */
  readonly stays: boolean;
}

/** Resolves with the exit status. */
export async function runDemo(invocation: Invocation, options: DemoOptions): Promise<number> {
  const { env } = invocation.io;
  const ending = endBySignals();
  const { signal } = ending;
  const stage = newStage({ ...options, env, random: Math.random, signal });
  process.on("exit", () => stage.kill());
  try {
    await stage.open();
    const isKept = await play(stage, options, invocation, signal);
    if (isKept === undefined) return ending.status ?? EXITS.failed.status;
    if (options.stays && !signal.aborted) await stay(invocation, signal);
    return isKept ? EXITS.ok.status : EXITS.failed.status;
  } catch (error) {
    if (ending.status !== undefined) return ending.status;
    if (error instanceof StageError || error instanceof StartError) {
      throw new CliError("failed", `the demo did not begin: ${error.message}`, undefined, { cause: error });
    }
    throw error;
  } finally {
    await stage.close();
  }
}

/** The temporary directory may be full, or of another user. */
function newStage(options: StageOptions): Stage {
  try {
    return new Stage(options);
  } catch (error) {
    const remedy = "make it writable for this user, or name another one in TMPDIR";
    throw new CliError(
      "failed",
      `the demo needs the temporary directory ${tmpdir()}: ${errorMessage(error)}`,
      remedy,
      {
        cause: error,
      },
    );
  }
}

/** Resolves with whether the release has ended as promised; undefined if the signal has ended the story. */
async function play(
  stage: Stage,
  { canary, opens }: DemoOptions,
  invocation: Invocation,
  signal: AbortSignal,
): Promise<boolean | undefined> {
  const { io } = invocation;
  const teller = new Teller(io.stdout);
  teller.plain([
    `${PROGRAM} demo: version 2 of a shop is released, and ${CANARY_OF[canary].behaviour}`,
    "",
    `  the release, live  ${stage.adminUrl}/   to act there, log in: any name, token ${stage.token}`,
    `  the shop           http://127.0.0.1:${stage.front.port}/   behind ${stage.front.name}`,
    "",
    ...(stage.remark === undefined ? [] : [`  The proxy is the built-in one: ${stage.remark}.`, ""]),
  ]);
  if (opens && !openPage(`${stage.adminUrl}/`, io.env)) {
    teller.plain(["  There is no desktop to open the page on. Open its address yourself.", ""]);
  }
  const context = { table: "", region: "", environment: {}, warn: () => {} };
  const store = await openStore(stage.storeAddress, context);
  try {
    return await new Story({ stage, store, kind: canary, teller, invocation, signal }).play();
  } finally {
    await store.close();
  }
}

/** The page stays for a person who looks at it. */
async function stay({ io }: Invocation, signal: AbortSignal): Promise<void> {
  io.stdout.write("\nThe page stays until you press Ctrl-C.\n");
  const over = Promise.withResolvers<void>();
  signal.addEventListener("abort", () => over.resolve(), { once: true });
  await over.promise;
}
