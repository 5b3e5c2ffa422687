/** The names that packages carry. */

/** Packages need an address. `.invalid` never is one (RFC 2606). */
export const MAINTAINER = "The maxwells-daemon authors <maintainers@maxwells-daemon.invalid>";

export const SUMMARY = "Canary releases for plain proxies: which version serves each visitor";

/** In short lines, as packages want them. */
export const DESCRIPTION = [
  "A small daemon runs beside nginx, HAProxy, Envoy, Caddy, Apache or Traefik.",
  "It says for each visitor which version of an application serves them:",
  "master, the proven one, or canary, the new one. Operators write one number",
  "to a store, and all machines follow within seconds.",
].join("\n");

/** The architecture by its names in Debian, RPM and OCI. */
export const ARCHITECTURES: Readonly<Record<string, { deb: string; rpm: string; go: string }>> = {
  x64: { deb: "amd64", rpm: "x86_64", go: "amd64" },
  arm64: { deb: "arm64", rpm: "aarch64", go: "arm64" },
};
