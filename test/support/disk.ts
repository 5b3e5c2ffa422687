/**
 * A disk of a few pages, for tests of a full one and of a read-only one. Mounting needs root, and a kernel
 * that allows it.
 */

import { mkdtempSync, rmdirSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

/** Mounts an empty file system of 64 KB at this directory. Returns false if that is not allowed. */
export function mountSmallDisk(directory: string): boolean {
  const command = ["mount", "-t", "tmpfs", "-o", "size=64k", "tmpfs", directory];
  if (process.getuid?.() !== 0 || Bun.which("mount") === null) return false;
  return Bun.spawnSync(command, { stderr: "ignore" }).success;
}

export function unmount(directory: string): void {
  Bun.spawnSync(["umount", "-l", directory]);
}

/** True if such disks work here. In CI they have to. */
export function hasSmallDisks(): boolean {
  const directory = mkdtempSync(join(tmpdir(), "disk-"));
  const isMounted = mountSmallDisk(directory);
  if (isMounted) unmount(directory);
  rmdirSync(directory);
  if (!isMounted && process.env["CI"]) throw new Error("CI has to mount small disks: run it as root");
  return isMounted;
}
