/**
 * Runs the checks for which releases wait, and keeps the last word of each. Without a release that waits for
 * a check it has no timers and asks nothing.
 *
 * A controller calls `follow` at each look at a release, reads `answers` for the machine, and calls `forget`
 * if the release waits for nothing any more. No method throws.
 */

import type { Log } from "../log/log.ts";
import { errorMessage } from "../text/error-message.ts";
import type { Timers } from "../timers.ts";
import { Asking } from "./asking.ts";
import type { Answer, Subject } from "./check-kind.ts";
import type { NamedCheck } from "./named-checks.ts";
import { Places } from "./places.ts";

/** A verdict of a check: the release must be taken back. */
export interface Harm {
  readonly subject: Subject;
  readonly name: string;
  /** A sentence with the figure: `check errors says harm: the query gives 0.08, and harm is > 0.05`. */
  readonly why: string;
}

/** The last word of one check, for people. */
export interface Told {
  readonly name: string;
  readonly kind: Answer["kind"];
  readonly sentence: string;
  /** The age of its last answer; undefined if there is none. */
  readonly ageMs: number | undefined;
}

export interface CheckRunnerOptions {
  readonly checks: readonly NamedCheck[];
  readonly environment: Readonly<Record<string, string | undefined>>;
  /** Monotonic, in milliseconds. */
  readonly clock: () => number;
  readonly timers: Timers;
  readonly log: Log;
  /** Called once for each state of a release (key and seq) and check. */
  readonly onHarm: (harm: Harm) => void;
}

interface Followed {
  readonly subject: Subject;
  /** In the order of the plan; undefined for a name that this daemon does not know. */
  readonly askings: ReadonlyMap<string, Asking | undefined>;
}

export class CheckRunner {
  readonly #options: CheckRunnerOptions;
  readonly #checks: ReadonlyMap<string, NamedCheck>;
  readonly #followed = new Map<string, Followed>();
  readonly #places = new Places();
  /** The kind of the last answer that the log has, by asking. */
  readonly #logged = new WeakMap<Asking, Answer["kind"]>();
  #isClosed = false;

  constructor(options: CheckRunnerOptions) {
    this.#options = options;
    this.#checks = new Map(options.checks.map((check) => [check.name, check]));
  }

  /**
   * Asks these checks for this step, from now on. A call with the same key, seq and names changes nothing.
   * With another one all answers are forgotten, because they belong to another state of the release.
   */
  follow(subject: Subject, names: readonly string[]): void {
    const { application, version } = subject;
    if (this.#isClosed) return;
    const known = this.#of(subject);
    if (known !== undefined && names.join() === [...known.askings.keys()].join()) return;
    this.forget(application, version);
    if (names.length === 0) return;
    const askings = new Map(names.map((name) => [name, this.#asking(subject, name)]));
    this.#followed.set(nameOf(application, version), { subject, askings });
    for (const asking of askings.values()) asking?.start();
  }

  /** Stops the checks of a release, and forgets their answers. */
  forget(application: string, version: string): void {
    const name = nameOf(application, version);
    for (const asking of this.#followed.get(name)?.askings.values() ?? []) asking?.stop();
    this.#followed.delete(name);
  }

  /** Whether each check is passed now. An unknown one is not there. */
  answers(subject: Pick<Subject, "application" | "version" | "key" | "seq">): ReadonlyMap<string, boolean> {
    const answers = new Map<string, boolean>();
    for (const [name, asking] of this.#of(subject)?.askings ?? []) {
      const kind = asking?.word.kind ?? "unknown";
      if (kind !== "unknown") answers.set(name, kind === "passed");
    }
    return answers;
  }

  /** The last word of each check of a release, in the order of the plan; empty if it waits for none. */
  told(application: string, version: string): readonly Told[] {
    const { askings = [] } = this.#followed.get(nameOf(application, version)) ?? {};
    return [...askings].map(([name, asking]) => this.#toldOf(name, asking));
  }

  /** Stops all. After that, `follow` does nothing. */
  close(): void {
    this.#isClosed = true;
    for (const { subject } of [...this.#followed.values()]) {
      this.forget(subject.application, subject.version);
    }
  }

  #of(subject: Pick<Subject, "application" | "version" | "key" | "seq">): Followed | undefined {
    const followed = this.#followed.get(nameOf(subject.application, subject.version));
    const isThis = followed?.subject.key === subject.key && followed.subject.seq === subject.seq;
    return isThis ? followed : undefined;
  }

  #asking(subject: Subject, name: string): Asking | undefined {
    const check = this.#checks.get(name);
    const { environment, clock, timers, log } = this.#options;
    if (check === undefined) {
      const { application, version, id, step } = subject;
      log.warn("a check is not known here, so this daemon does not go on with the release", {
        ...{ application, version, release: id, step, check: name },
        error: missingText(name),
      });
      return undefined;
    }
    const { timeoutMs } = check;
    return new Asking(subject, check, check.create({ environment, timeoutMs }), {
      ...{ clock, timers, places: this.#places },
      told: (asking) => this.#take(asking),
    });
  }

  /** A new word of a check: a line for the log if it is news, and the verdict. */
  #take(asking: Asking): void {
    const { log, onHarm } = this.#options;
    const { subject, word } = asking;
    const { application, version, id, step } = subject;
    const { name } = asking.settings;
    const fields = { application, version, release: id, step, check: name };
    const isNews = this.#logged.get(asking) !== word.kind;
    this.#logged.set(asking, word.kind);
    if (word.kind === "unknown") {
      log.warn("a check gives no answer, so the release does not go on", { ...fields, error: word.why });
    } else if (word.kind === "harm") {
      log.warn("a check says harm, so the release is taken back", { ...fields, why: word.why });
    } else if (isNews) {
      log.info(`a check ${SAYS[word.kind]}`, { ...fields, why: word.why });
    }
    if (word.kind !== "harm") return;
    try {
      onHarm({ subject, name, why: sentenceOf(name, word) });
    } catch (error) {
      log.error("the verdict of a check was not taken", { ...fields, error: errorMessage(error) });
    }
  }

  #toldOf(name: string, asking: Asking | undefined): Told {
    if (asking === undefined) {
      return { name, kind: "unknown", sentence: missingText(name), ageMs: undefined };
    }
    const { word } = asking;
    const ageMs = word.atMs === undefined ? undefined : this.#options.clock() - word.atMs;
    return { name, kind: word.kind, sentence: sentenceOf(name, word), ageMs };
  }
}

const SAYS: Readonly<Record<Answer["kind"], string>> = {
  passed: "passed",
  waiting: "has not passed",
  harm: "says harm",
  unknown: "is unknown",
};

/** The configuration file has no table of this check. */
function missingText(name: string): string {
  const key = /^[\w-]+$/.test(name) ? name : `"${name}"`;
  return `this daemon has no check named ${name}; add [checks.${key}] to its configuration file`;
}

/** `check errors passed: the query gives 0.004, and go is < 0.01`. */
function sentenceOf(name: string, { kind, why }: Answer): string {
  return `check ${name} ${SAYS[kind]}: ${why}`;
}

function nameOf(application: string, version: string): string {
  return `${application}\0${version}`;
}
