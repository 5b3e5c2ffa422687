/** The names of the directories and files of evidence. Pure. */

import { createHash } from "node:crypto";
import type { EvidenceLog } from "../evidence.ts";

const READABLE_LENGTH_MAX = 64;
const LOG = /^[A-Za-z0-9_-]{1,64}-[0-9a-f]{32}$/;
const FILE = /^([0-9a-z]{8})\.log$/;

/** The directory of all evidence beside the file of the rollouts. */
export function evidenceOf(target: string): string {
  return `${target}.evidence`;
}

/**
 * The name of a log's directory. A name of an application may have any character, and 128 bytes. So the hash
 * tells logs apart, and the part before it is for people.
 */
export function directoryNameOf({ application, key }: EvidenceLog): string {
  const readable = `${application}-${key}`.replaceAll(/[^A-Za-z0-9_-]/g, "_").slice(-READABLE_LENGTH_MAX);
  const hash = createHash("sha256")
    .update(JSON.stringify([application, key]))
    .digest("hex");
  return `${readable}-${hash.slice(0, 32)}`;
}

export function isDirectoryName(name: string): boolean {
  return LOG.test(name);
}

export function fileNameOf(name: string): string {
  return `${name}.log`;
}

/** The name in a file's name; undefined if it is not a file of evidence. */
export function nameIn(fileName: string): string | undefined {
  return FILE.exec(fileName)?.[1];
}
