/**
 * The memory of evidence, in a process of its own, so that nothing else is measured. Run as
 * `bun evidence-heap.ts RELEASES OUTCOMES`. Each release gets that many outcomes, all of new visitors in new
 * networks, and most of them bad for each metric. It prints one JSON line, in bytes.
 */

import { gcAndSweep, heapStats } from "bun:jsc";
import { EvidenceMemory } from "../src/evidence/memory.ts";
import { ReleaseEvidence } from "../src/evidence/release-evidence.ts";
import { emptyOutcome } from "../src/intake/outcome.ts";
import { releaseOf } from "../test/evidence/outcomes.ts";

export interface EvidenceHeap {
  /** The bytes of all tables, and of the greatest release. */
  readonly tables: number;
  readonly greatest: number;
  /** The growth of the heap, and after the end of all releases. */
  readonly heap: number;
  readonly heapAfter: number;
  /** The growth of the process's resident memory. The allocator keeps a part of it for later. */
  readonly resident: number;
  readonly residentAfter: number;
  /** The memory that the daemon counts, after the end. */
  readonly countedAfter: number;
}

const BEGAN_MS = 1_764_417_600_000;
const STEP_MS = 1_000_000;
const GRACE_MS = 10_000;
const SOUND_ONE_IN = 7;

/**
 * Before the first measurement, small releases make the program's own code warm. The collector may miss the
 * last one.
 */
const WARM_RELEASES = 200;
const WARM_OUTCOMES = 250;

const PLAN = [
  { at: 0, rollout: 0.05 },
  { at: STEP_MS / 1_000, rollout: 0.25 },
] as const;
const RELEASE = releaseOf(PLAN, 0.3, { slow: ["1ms", "2ms", "3ms"] });

function flood(evidence: ReleaseEvidence, outcomes: number): void {
  const outcome = { ...emptyOutcome(), application: "website", location: "canary", durationMs: 2_000 };
  outcome.isBrought = true;
  for (let place = 0; place < outcomes; place++) {
    outcome.assignment = Math.random();
    outcome.status = place % SOUND_ONE_IN === 0 ? 200 : 500;
    outcome.source = [1 + (place >> 16), (place >> 8) & 255, place & 255, 1].join(".");
    const step = place % PLAN.length;
    evidence.takeDecided(outcome, BEGAN_MS + step * STEP_MS + GRACE_MS + Math.floor(Math.random() * 800_000));
  }
  evidence.figures(BEGAN_MS + PLAN.length * STEP_MS);
}

function used() {
  gcAndSweep();
  gcAndSweep();
  return { heap: heapStats().heapSize, resident: process.memoryUsage.rss() };
}

function measure(releases: number, outcomes: number): EvidenceHeap {
  const memory = new EvidenceMemory({ releasesMax: releases });
  for (let turn = 0; turn < WARM_RELEASES; turn++) {
    flood(new ReleaseEvidence({ release: RELEASE, from: "bench" }), WARM_OUTCOMES);
  }
  const before = used();
  const all = Array.from({ length: releases }, () => {
    const evidence = new ReleaseEvidence({ release: RELEASE, from: "bench", memory });
    flood(evidence, outcomes);
    return evidence;
  });
  const full = used();
  const bytes = all.map((evidence) => evidence.bytes);
  for (const evidence of all) evidence.end();
  all.length = 0;
  const after = used();
  return {
    tables: bytes.reduce((sum, each) => sum + each, 0),
    greatest: Math.max(...bytes),
    heap: full.heap - before.heap,
    heapAfter: after.heap - before.heap,
    resident: full.resident - before.resident,
    residentAfter: after.resident - before.resident,
    countedAfter: memory.bytes,
  };
}

const [releases = 1, outcomes = 0] = process.argv.slice(2).map(Number);
console.log(JSON.stringify(measure(releases, outcomes)));
