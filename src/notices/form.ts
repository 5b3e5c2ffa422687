/**
 * The contract of a form: how one kind of receiver takes a notice. A form has no state and does no I/O; the
 * sender (`sender.ts`) calls the address, waits, and tries again.
 *
 * An address may be a secret: each program that knows the address of a Slack channel can write there. So
 * logs, pages and metrics have only `Destination.name`.
 */

import type { Problem } from "../config/option.ts";
import type { NoticeMessage } from "./notice.ts";

export interface NoticeForm {
  /** One word for logs and metrics: `slack`. */
  readonly name: string;
  /** How its addresses are written, for help. */
  readonly usage: string;
  /** Whether a receiver checks signatures, so that a secret is needed. */
  readonly isSigned: boolean;
  /**
   * Reads an address.
   *
   * @returns the address to call; undefined if the text is not of this form; or what is wrong with it
   */
  read(text: string): URL | Problem | undefined;
  /**
   * One attempt to send.
   *
   * @param nowMs the time of the attempt, by this machine's clock
   * @param keys  the keys to sign with, the present one first
   */
  request(message: NoticeMessage, nowMs: number, keys: readonly Uint8Array[]): NoticeRequest;
  /** An instruction to the operator, if the receiver refuses for good with this status. */
  remedyOf(status: number): string;
}

/** A POST. */
export interface NoticeRequest {
  readonly headers: Readonly<Record<string, string>>;
  readonly body: string;
}

/** One address of `-notify`. */
export interface Destination {
  readonly form: NoticeForm;
  /** May be a secret. */
  readonly url: string;
  /** Stands for the address in the evidence: 8 hexadecimal digits. */
  readonly mark: string;
  /** For logs and metrics, without secrets: `slack hooks.slack.com 1f0c9a3e`. */
  readonly name: string;
}
