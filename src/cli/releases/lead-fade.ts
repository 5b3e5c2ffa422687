/**
 * The foreground of `undo` and `finish` with `-over`: it lowers the rollout until the fade is over, or until
 * a daemon goes on with it. The first Ctrl-C stops it at the present rollout. A second one soon afterwards
 * takes everyone back at once.
 */

import { setTimeout as sleep } from "node:timers/promises";
import type { Release } from "../../releases/release.ts";
import { releaseName } from "../../releases/sentence.ts";
import { store as storeOption } from "../../settings/options.ts";
import { type Store, StoreError } from "../../stores/store.ts";
import { exactDurationText, rolloutText } from "../../text/amounts.ts";
import { oneLine } from "../../text/one-line.ts";
import { carryOut } from "../../verbs/carry-out.ts";
import { commandLine, EMERGENCY } from "../../verbs/command-line.ts";
import { type FadeEnd, type FadeNews, fadeOut } from "../../verbs/fade-out.ts";
import type { Target } from "../../verbs/look.ts";
import { unwrittenWords, type Words, wordsOf } from "../../verbs/words.ts";
import type { Invocation } from "../command.ts";
import { CliError, EXITS } from "../exit.ts";
import { output, print } from "../output.ts";
import { message } from "../records/change-options.ts";
import { inTime, withOpenStore } from "../with-store.ts";
import { carryingFor } from "./carrying.ts";
import { errorFor, remark } from "./say.ts";
import type { Done } from "./verb.ts";

/** How long a second Ctrl-C is awaited. */
const SECOND_INTERRUPT_MS = 5_000;

/** Progress is told when the rollout has fallen by this. */
const TOLD_PART = 0.1;

/** The release that fades after a verb, now or since an earlier call of the same verb. */
export function fadingOf({ outcome, request }: Done): Release | undefined {
  if (outcome.kind === "written") return outcome.release?.fade === undefined ? undefined : outcome.release;
  if (outcome.kind !== "unchanged" && outcome.kind !== "misused") return undefined;
  const { found } = outcome.looked.now;
  if (found.kind !== "release" || found.release.fade === undefined) return undefined;
  const state = request.verb === "finish" ? "finished" : "aborted";
  return found.release.state === state ? found.release : undefined;
}

/** Lowers the rollout to its end, and returns the exit status. */
export function leadFade(invocation: Invocation, done: Done, release: Release): Promise<number> {
  const { settings, io } = invocation;
  return withOpenStore(settings.get(storeOption), settings, io, async (store) => {
    const fade = new ForegroundFade(invocation, done, release, store);
    return fade.lead();
  });
}

class ForegroundFade {
  readonly #invocation: Invocation;
  readonly #done: Done;
  readonly #release: Release;
  readonly #store: Store;
  readonly #interrupt = new AbortController();
  readonly #second = new AbortController();
  /** The rollout that was told last. */
  #told: number;
  #isAway = false;

  constructor(invocation: Invocation, done: Done, release: Release, store: Store) {
    this.#invocation = invocation;
    this.#done = done;
    this.#release = release;
    this.#store = store;
    this.#told = rolloutOf(done);
  }

  async lead(): Promise<number> {
    const { io } = this.#invocation;
    this.#print(`${this.#beginning()}\n`);
    io.onInterrupt?.(() => {
      io.onInterrupt?.(() => this.#second.abort());
      this.#interrupt.abort();
    });
    const end = await fadeOut({
      ...{ target: this.#target, release: this.#release, rollout: this.#told },
      carrying: this.#carrying(this.#interrupt.signal),
      ...{ monotonic: () => performance.now(), idle, interrupt: this.#interrupt.signal },
      told: (news) => this.#tell(news),
    });
    return end.kind === "interrupted" ? this.#interrupted(end.rollout) : this.#ended(this.#wordsFor(end));
  }

  #ended(words: Words): number {
    if (words.exit !== "ok") throw errorFor(words);
    this.#print(`${words.text}\n`);
    if (this.#isJson) print(this.#invocation, { ...this.#done.json, text: words.text }, () => "");
    return EXITS.ok.status;
  }

  get #target(): Target {
    return this.#done.target;
  }

  get #name(): string {
    return releaseName(this.#target.application, this.#release);
  }

  #carrying(signal: AbortSignal) {
    const { io, settings } = this.#invocation;
    return carryingFor(this.#store, io, settings.get(message), signal);
  }

  get #isJson(): boolean {
    return this.#invocation.settings.get(output) === "json";
  }

  /** Programs get one document, at the end. */
  #print(text: string): void {
    if (!this.#isJson) this.#invocation.io.stdout.write(text);
  }

  #beginning(): string {
    const { outcome, words } = this.#done;
    if (outcome.kind === "written") return words.text;
    const { version } = this.#target;
    return oneLine(
      `${this.#name} is ${this.#release.state} already, and fades: ${version} at ${rolloutText(this.#told)}`,
    );
  }

  #tell(news: FadeNews): void {
    const { version } = this.#target;
    const say = (text: string) => remark(this.#invocation, oneLine(text));
    switch (news.kind) {
      case "alone":
        say(
          `no daemon leads ${this.#name}, so this command lowers ${version}; keep it running. Ctrl-C stops it`,
        );
        break;
      case "at":
        this.#isAway = false;
        if (this.#told - news.rollout < TOLD_PART) break;
        this.#told = news.rollout;
        say(`${version} at ${rolloutText(news.rollout)}`);
        break;
      case "away":
        if (!this.#isAway) say(`${news.error.message}; ${version} stays as it is, and it is tried again`);
        this.#isAway = true;
    }
  }

  /** Waits for a second interrupt, which takes everyone back. */
  async #interrupted(rollout: number): Promise<number> {
    const { io, settings, storeFlags } = this.#invocation;
    const { version } = this.#target;
    const stays = `${version} stays at ${rolloutText(rollout)}`;
    const within = `press Ctrl-C again within ${exactDurationText(SECOND_INTERRUPT_MS)}`;
    remark(this.#invocation, oneLine(`${stays}; to take everyone back at once, ${within}`));
    await idle(SECOND_INTERRUPT_MS, this.#second.signal);
    if (!this.#second.signal.aborted) {
      const remedy = this.#onwards().replaceAll("\n", "\n  ");
      throw new CliError("fading", oneLine(`${this.#name} has not faded: ${stays}`), remedy);
    }
    const request = { verb: "abort", key: this.#release.key, reason: settings.get(message) } as const;
    const about = { target: this.#target, request, address: this.#store.address, storeFlags };
    try {
      const outcome = await inTime(this.#store, io, (signal) =>
        carryOut(this.#target, () => request, this.#carrying(signal)),
      );
      return this.#ended(wordsOf(outcome, about));
    } catch (error) {
      throw error instanceof StoreError ? errorFor(unwrittenWords(error, request)) : error;
    }
  }

  #wordsFor(end: Exclude<FadeEnd, { readonly kind: "interrupted" }>): Words {
    const { version } = this.#target;
    switch (end.kind) {
      case "over":
        return { exit: "ok", text: oneLine(`${this.#name} has faded: ${version} is at 0%`) };
      case "led":
        return {
          exit: "ok",
          text: oneLine(`${end.by} goes on with it: ${version} at ${rolloutText(end.rollout)}`),
        };
      case "stopped":
        return {
          exit: "conflict",
          text: oneLine(
            `${this.#name} fades no more, because of another writer: ${version} at ${rolloutText(end.rollout)}`,
          ),
          remedy: `to take everyone back: ${this.#command("set", version, "0%")}`,
        };
      case "away":
        return {
          exit: "unreachable",
          text: oneLine(
            `${end.error.message}; ${version} is at ${rolloutText(end.rollout)}, and its fade has stopped`,
          ),
          remedy: `${this.#onwards()}\n${EMERGENCY}`,
        };
    }
  }

  #command(verb: string, ...words: readonly string[]): string {
    return commandLine(this.#invocation.storeFlags, this.#target.application, verb, ...words);
  }

  #onwards(): string {
    const { version } = this.#target;
    const verb = this.#done.request.verb === "finish" ? "finish" : "undo";
    const words = verb === "finish" ? ["-deployed", this.#release.of] : [];
    return (
      `to go on: ${this.#command(verb, version, ...words)}\n` +
      `to take everyone back at once: ${this.#command("abort", version)}`
    );
  }
}

function rolloutOf({ outcome }: Done): number {
  return outcome.kind === "written" ? outcome.rollout : "looked" in outcome ? outcome.looked.now.rollout : 0;
}

async function idle(ms: number, signal: AbortSignal): Promise<void> {
  await sleep(ms, undefined, { signal }).catch(() => {});
}
