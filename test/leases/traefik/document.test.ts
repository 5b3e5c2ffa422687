import { describe, expect, test } from "bun:test";
import { type TraefikApplication, traefikDocument } from "../../../src/leases/traefik/document.ts";
import { SLICES } from "../../../src/leases/traefik/slices.ts";

const CANARY = "http://127.0.0.1:6297";

interface Service {
  readonly weighted?: {
    readonly services: readonly { readonly name: string; readonly weight: number }[];
    readonly sticky?: { readonly cookie: Readonly<Record<string, unknown>> };
  };
  readonly failover?: { readonly service: string; readonly fallback: string };
  readonly loadBalancer?: {
    readonly servers: readonly { readonly url: string }[];
    readonly healthCheck?: Readonly<Record<string, string | number>>;
  };
}

function servicesOf(applications: readonly TraefikApplication[], isSecure = false): Record<string, Service> {
  return JSON.parse(traefikDocument(applications, { port: 6296, isSecure })).http.services;
}

/** The locations of all slices: the first `count` are at the version, and the others at master. */
function locations(count: number, version = "canary"): string[] {
  return Array.from({ length: SLICES }, (_, slice) => (slice < count ? version : "master"));
}

function website(changes: Partial<TraefikApplication> = {}): TraefikApplication {
  const urls = new Map([["canary", CANARY]]);
  return { name: "website", locations: locations(250), urls, isInMaintenance: false, ...changes };
}

/** The names of all services to which a service sends visitors. */
function namedBy({ weighted, failover }: Service): string[] {
  if (failover !== undefined) return [failover.service, failover.fallback];
  return weighted?.services.map(({ name }) => name) ?? [];
}

describe("Traefik's document", () => {
  test("TR-2, TR-3: a service of the application's name draws one of a thousand slices, and a cookie keeps it", () => {
    const { website: circle } = servicesOf([website()]);
    expect(circle?.weighted?.services).toHaveLength(SLICES);
    expect(new Set(circle?.weighted?.services.map(({ weight }) => weight))).toEqual(new Set([1]));
    expect(circle?.weighted?.services[42]?.name).toBe("website:circle:042");
    expect(circle?.weighted?.sticky?.cookie).toEqual({
      name: "maxwellsdaemon-slice-website",
      maxAge: 31_536_000,
      httpOnly: true,
      sameSite: "lax",
      secure: false,
    });
    const secure = servicesOf([website()], true)["website"];
    expect(secure?.weighted?.sticky?.cookie["secure"]).toBe(true);
  });

  test("TR-4, TR-7: the slices of a version fall back to master, and all others are at master", () => {
    const services = servicesOf([website()]);
    const only = (name: string) => ({ weighted: { services: [{ name, weight: 1 }] } });
    const [guarded, master] = [only("website:canary:or-master"), only("website-master@file")];
    expect(services["website:canary:or-master"]).toEqual({
      failover: { service: "website:canary", fallback: "website-master@file" },
    });
    for (let slice = 0; slice < SLICES; slice++) {
      const name = `website:circle:${String(slice).padStart(3, "0")}`;
      expect(services[name]).toEqual(slice < 250 ? guarded : master);
    }
  });

  test("TR-7, TR-8: a version is at its URL, and a health check asks the daemon for its slices", () => {
    const { "website:canary": canary } = servicesOf([website()]);
    expect(canary?.loadBalancer).toEqual({
      servers: [{ url: CANARY }],
      healthCheck: {
        scheme: "http",
        port: 6296,
        path: "/holds?application=website&version=canary&slices=0-249",
        interval: "1s",
        timeout: "500ms",
      },
    });
  });

  test("TR-7: a version without a URL or without visitors is not in the document, and its slices are at master", () => {
    const expected = servicesOf([website({ locations: locations(0) })]);
    expect(Object.keys(expected)).toHaveLength(SLICES + 1);
    expect(servicesOf([website({ urls: new Map() })])).toEqual(expected);
    expect(servicesOf([website({ locations: locations(500, "blue") })])).toEqual(expected);
  });

  test("TR-9: in maintenance all visitors go to its URL, without a health check, and keep their cookies", () => {
    const urls = new Map([
      ["canary", CANARY],
      ["maintenance", "http://10.0.0.7:8082"],
    ]);
    const services = servicesOf([website({ urls, isInMaintenance: true })]);
    expect(services["website:maintenance"]).toEqual({
      loadBalancer: { servers: [{ url: "http://10.0.0.7:8082" }] },
    });
    expect(services["website:canary"]).toBeUndefined();
    expect(services["website:circle:000"]).toEqual({
      weighted: { services: [{ name: "website:maintenance", weight: 1 }] },
    });
    expect(services["website"]).toEqual(servicesOf([website()])["website"]);
    expect(servicesOf([website({ isInMaintenance: true })])).toEqual(servicesOf([website()]));
  });

  test("TR-2: applications have no names in common, and each name is that of a service or of the file's master", () => {
    const names = ["website", "website:circle:000", "a@b", "é ü", "a&b=c", "constructor", "__proto__"];
    const services = servicesOf(names.map((name) => website({ name })));
    expect(Object.keys(services)).toHaveLength(names.length * (SLICES + 3));
    for (const [name, service] of Object.entries(services)) {
      expect(name).not.toContain("@");
      for (const other of namedBy(service)) {
        const isMaster = /^[^@]+-master@file$/.test(other);
        expect(isMaster || Object.hasOwn(services, other), other).toBe(true);
      }
    }
    expect(services["%C3%A9%20%C3%BC:canary"]?.loadBalancer?.healthCheck?.["path"]).toBe(
      "/holds?application=%C3%A9+%C3%BC&version=canary&slices=0-249",
    );
  });

  test("TR-1: the same arguments give the same bytes, so that Traefik sees whether something changed", () => {
    const document = (application: TraefikApplication) =>
      traefikDocument([application], { port: 6296, isSecure: false });
    expect(document(website())).toBe(document(website()));
    expect(document(website())).not.toBe(document(website({ locations: locations(251) })));
  });
});
