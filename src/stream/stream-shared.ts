import { type Decision, emptyRequest } from "../handler.ts";
import type { ServerCounts } from "../metrics.ts";
import { Peers } from "./peer.ts";
import type { StreamContext } from "./stream-context.ts";
import { Turn } from "./turn.ts";
import { WaitingBytes } from "./waiting.ts";

/** The size of the output buffer. A protocol flushes it as soon as its longest answer might not fit. */
export const OUT_BYTES = 65_536;

/**
 * The parts that all connections of a listener share: those of the daemon, and buffers for the current
 * request.
 */
export class StreamShared {
  readonly context: StreamContext;
  readonly turn: Turn;
  readonly counts: ServerCounts;
  readonly request = emptyRequest();
  readonly decision: Decision;
  readonly out = Buffer.allocUnsafeSlow(OUT_BYTES);
  /** The bytes that wait, over all connections. */
  readonly waiting: WaitingBytes;
  readonly peers = new Peers();
  /** The server closes, so each answer may be the last one of its connection. */
  isClosing = false;
  /**
   * The server closes, and a successor answers new connections. Each old connection ends with its next
   * answer, for which its client waits.
   */
  endsWithAnswer = false;

  constructor(context: StreamContext, counts: ServerCounts, waiting = new WaitingBytes()) {
    this.context = context;
    this.waiting = waiting;
    this.turn = new Turn(context.clock, context.metrics.delay);
    this.counts = counts;
    this.decision = context.handler.emptyDecision();
  }

  /** Counts replies that were given to the kernel together. */
  answered(count: number): void {
    this.counts.success += count;
    this.turn.answered(count);
  }
}
