/**
 * The laws of a verdict: the visitors of this daemon are taken back at once and stay so, also after a
 * restart, until the record shows the end of the release. And the abort is written as soon as the store takes
 * writes. A daemon that was restarted needs its feed's first reading for that, because it knows no record
 * before.
 */

import type { Snapshot } from "../../../src/stores/store.ts";
import type { Machine } from "../daemon.ts";
import type { Engine } from "../engine.ts";
import { type Fault, seconds } from "./history.ts";
import { nowOfRecord } from "./knowledge.ts";

/** An attempt may hang for ten seconds, and the next one waits for five. Both are drawn out by slow calls. */
const ABORT_MS = 20_000;

/** Without any trouble, the abort takes a few calls. */
const FAIR_ABORT_MS = 1_500;

/** The file of an override is on the disk after this time. */
const SAVED_MS = 1_000;

export interface Verdict {
  readonly machine: Machine;
  readonly application: string;
  readonly version: string;
  readonly key: string;
  readonly atMs: number;
  /** Since when this machine can reach the store, without a break. */
  fairSinceMs: number;
  /** Whether the machine had no trouble since the verdict. */
  isFair: boolean;
  /** Whether the machine was restarted, and its feed has read nothing since. */
  isUnread: boolean;
}

export class OverrideLaws {
  readonly #engine: Engine;
  readonly #delayMs: number;
  /** The verdicts that must count now. */
  #verdicts: Verdict[] = [];

  /** @param delayMs the time between two readings of a feed */
  constructor(engine: Engine, delayMs: number) {
    this.#engine = engine;
    this.#delayMs = delayMs;
  }

  get #nowMs(): number {
    return this.#engine.scheduler.nowMs;
  }

  reached(machine: Machine, application: string, version: string, key: string): Fault {
    const atMs = this.#nowMs;
    this.#verdicts.push({
      ...{
        machine,
        application,
        version,
        key,
        atMs,
        fairSinceMs: atMs,
        isFair: machine.isFair,
        isUnread: false,
      },
    });
    return this.#servedFault(machine, application);
  }

  /** The machine has read a snapshot, and its controller knows it. */
  read(machine: Machine, application: string, snapshot: Snapshot): Fault {
    this.#verdicts = this.#verdicts.filter((verdict) => {
      const isHere = verdict.machine === machine && verdict.application === application;
      if (isHere) verdict.isUnread = false;
      return !isHere || !this.#isEnded(verdict, snapshot);
    });
    return this.#servedFault(machine, application);
  }

  /** A life of the machine ends. */
  died(machine: Machine): void {
    this.#verdicts = this.#verdicts.filter((verdict) => {
      if (verdict.machine !== machine) return true;
      verdict.isUnread = true;
      return !machine.disk.wasBroken && this.#nowMs - verdict.atMs > SAVED_MS;
    });
  }

  /**
   * The disk is empty, or cannot be read for a time. A life that goes on remembers its verdicts. But they are
   * lost for a machine between two lives, and for a life that may still be reading the files: the disk was
   * well when the earlier life ended, so `died` could not know.
   */
  lostDisk(machine: Machine): void {
    this.#verdicts = this.#verdicts.filter((verdict) => verdict.machine !== machine || !verdict.isUnread);
  }

  /** The store went back, so an abort may be lost. The machine finds out with its next reading. */
  wentBack(): void {
    for (const verdict of this.#verdicts) {
      verdict.fairSinceMs = this.#nowMs + this.#delayMs;
      verdict.isFair = false;
    }
  }

  /** Looks at the visitors, and at the aborts that must be written by now. Call it every second or so. */
  look(): Fault {
    for (const verdict of this.#verdicts) {
      const { machine, application, version, key, atMs } = verdict;
      if (!machine.isFair || verdict.isUnread || machine.bornAtMs > verdict.fairSinceMs) {
        verdict.fairSinceMs = this.#nowMs;
        verdict.isFair = false;
        continue;
      }
      const { found, isMalformed } = nowOfRecord(version, this.#engine.record(application, version));
      // A malformed record counts as rollout 0, and controllers leave it alone until it is mended.
      if (isMalformed) {
        verdict.fairSinceMs = this.#nowMs;
        verdict.isFair = false;
      }
      const isOn =
        !isMalformed &&
        found.kind === "release" &&
        found.release.key === key &&
        (found.release.state === "running" || found.release.state === "paused");
      // If a person has ended or promoted it, an attempt may know that before the feed does.
      const served = isOn ? this.#servedFault(machine, application) : undefined;
      if (served !== undefined) return served;
      const lateMs = this.#nowMs - Math.max(verdict.fairSinceMs, atMs);
      if (isOn && lateMs > (verdict.isFair ? FAIR_ABORT_MS : ABORT_MS)) {
        return [
          "10 verdict",
          `${machine.name} has not aborted ${version} ${seconds(lateMs)} after its verdict`,
        ];
      }
    }
    return undefined;
  }

  #servedFault(machine: Machine, application: string): Fault {
    const table = machine.life?.rollout.table(application);
    for (const { machine: of, version } of this.#verdicts) {
      if (of !== machine) continue;
      const arc = table?.arcs.find((each) => each.version === version);
      if (arc !== undefined && arc.rollout > 0) {
        return ["override", `${machine.name} serves ${version} to ${arc.rollout} after its verdict`];
      }
    }
    return undefined;
  }

  #isEnded({ version, key }: Verdict, snapshot: Snapshot): boolean {
    const now = nowOfRecord(version, snapshot.get(version));
    if (now.isMalformed) return false;
    const { found } = now;
    if (found.kind === "problem") return found.key !== undefined && found.key !== key;
    if (found.kind === "none" || found.release.key !== key) return true;
    return found.release.state !== "running" && found.release.state !== "paused";
  }
}
