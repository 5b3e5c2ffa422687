/**
 * The image of a container, made by buildah without an engine and without a network.
 *
 * One archive has the layout of OCI, and beside it the list by which Docker and Podman load images. So both
 * load it, and registries and Kubernetes take it, too. buildah leaves the health check out of OCI's form,
 * which does not have one. Docker reads it there all the same, so it is added here.
 */

import { chmodSync, mkdirSync, mkdtempSync, readdirSync, readFileSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { PROGRAM, PROGRAM_VERSION } from "../../src/cli/command.ts";
import { ARCHITECTURES, SUMMARY } from "./identity.ts";
import { IMAGE_USER, makeImageRoot, WRITTEN } from "./image-root.ts";
import type { PackageOptions } from "./nfpm.ts";
import { packSame } from "./tarball.ts";
import { runTool, toolPath } from "./tools.ts";

const NANOSECONDS = 1_000_000_000;

/** Healthy is a daemon that is ready: it knows the rollouts, and proxies can ask it. */
const HEALTH_CHECK = {
  Test: ["CMD", `/usr/bin/${PROGRAM}`, "status"],
  Interval: 10 * NANOSECONDS,
  Timeout: 5 * NANOSECONDS,
  StartPeriod: 5 * NANOSECONDS,
  Retries: 3,
};

const ENVIRONMENT = {
  PATH: "/usr/bin",
  // As in the unit for systemd: the collector runs as if the machine had 128 MiB, so memory stays flat.
  BUN_JSC_forceRAMSize: "134217728",
};

/** Makes the archive in `target`, and returns its path. The same files give the same bytes. */
export function buildImage({ root, entries, date, target }: PackageOptions): string {
  const directory = mkdtempSync(join(tmpdir(), "image-"));
  try {
    const content = join(directory, "root");
    mkdirSync(content);
    makeImageRoot(root, entries, content);
    const layout = join(directory, "layout");
    commit({ content, layout, date, directory });
    completeLayout(layout);
    const path = join(target, `${PROGRAM}-${PROGRAM_VERSION}-linux-${process.arch}.oci.tar`);
    packSame({ directory: layout, names: readdirSync(layout).toSorted(), date, path });
    return path;
  } finally {
    rmSync(directory, { recursive: true, force: true });
  }
}

interface CommitOptions {
  readonly content: string;
  readonly layout: string;
  readonly date: Date;
  /** For the files of buildah, which leave nothing on this machine. */
  readonly directory: string;
}

function commit({ content, layout, date, directory }: CommitOptions): void {
  const places = ["--root", join(directory, "store"), "--runroot", join(directory, "run")];
  const buildah = (...words: string[]) =>
    runTool([toolPath("buildah"), ...places, "--storage-driver", "vfs", ...words]).trim();
  const owner = `${IMAGE_USER}:${IMAGE_USER}`;
  const empty = join(directory, "empty");
  mkdirSync(empty);
  // Every proxy may enter.
  chmodSync(empty, 0o755);
  const container = buildah("from", "scratch");
  buildah("copy", "--quiet", "--chown", "0:0", container, content, "/");
  for (const path of WRITTEN) buildah("copy", "--quiet", "--chown", owner, container, empty, path);
  buildah("config", ...settings(date), "--user", owner, container);
  const time = String(Math.floor(date.getTime() / 1000));
  buildah(
    ...["commit", "--quiet", "--format", "oci", "--timestamp", time, "--omit-history"],
    ...[
      "--identity-label=false",
      "--disable-compression=false",
      container,
      `oci:${layout}:${PROGRAM_VERSION}`,
    ],
  );
}

function settings(date: Date): string[] {
  const labels = {
    title: PROGRAM,
    description: SUMMARY,
    version: PROGRAM_VERSION,
    licenses: "MIT",
    created: date.toISOString(),
  };
  const architecture = ARCHITECTURES[process.arch]?.go;
  if (architecture === undefined) throw new Error(`there are no images for ${process.arch}`);
  return [
    ...["--os", "linux", "--arch", architecture],
    ...["--entrypoint", JSON.stringify([`/usr/bin/${PROGRAM}`])],
    ...WRITTEN.flatMap((path) => ["--volume", path]),
    ...Object.entries(ENVIRONMENT).flatMap(([name, value]) => ["--env", `${name}=${value}`]),
    ...Object.entries(labels).flatMap(([name, value]) => [
      "--label",
      `org.opencontainers.image.${name}=${value}`,
    ]),
  ];
}

interface Descriptor {
  readonly mediaType: string;
  readonly digest: string;
  readonly size: number;
  readonly annotations?: Readonly<Record<string, string>>;
}

interface Manifest {
  readonly config: Descriptor;
  readonly layers: readonly Descriptor[];
}

/** Adds the health check to the image, and the list for Docker to its layout. */
function completeLayout(layout: string): void {
  const path = ({ digest }: Descriptor) => `blobs/${digest.replace(":", "/")}`;
  const read = (name: string) => JSON.parse(readFileSync(join(layout, name), "utf8"));
  /** Writes a blob in place of another one. */
  const replace = (old: Descriptor, value: object): Descriptor => {
    rmSync(join(layout, path(old)));
    const text = JSON.stringify(value);
    const digest = `sha256:${new Bun.CryptoHasher("sha256").update(text).digest("hex")}`;
    const replaced = { ...old, digest, size: Buffer.byteLength(text) };
    writeFileSync(join(layout, path(replaced)), text);
    return replaced;
  };

  const index: { manifests: [Descriptor] } = read("index.json");
  const [entry] = index.manifests;
  const manifest: Manifest = read(path(entry));
  const image: { config: object } = read(path(manifest.config));
  const config = replace(manifest.config, {
    ...image,
    config: { ...image.config, Healthcheck: HEALTH_CHECK },
  });
  const written = replace(entry, { ...manifest, config });
  const name = `${PROGRAM}:${PROGRAM_VERSION}`;
  const annotations = {
    ...entry.annotations,
    // containerd names the image so.
    "io.containerd.image.name": `docker.io/library/${name}`,
  };
  writeFileSync(
    join(layout, "index.json"),
    JSON.stringify({ ...index, manifests: [{ ...written, annotations }] }),
  );
  const forDocker = [{ Config: path(config), RepoTags: [name], Layers: manifest.layers.map(path) }];
  writeFileSync(join(layout, "manifest.json"), JSON.stringify(forDocker));
}
