/**
 * What a middleware does for each request, whatever the framework: cookie and headers → question → decision → cookie.
 * The framework's own file says where these are found and kept.
 *
 * What visitors send is not believed: the cookie counts only where it consists of the characters of a number, forcing
 * only where the operator turned it on, and the headers that upstreams are told by are never looked at.
 */

import { emitWarning } from "node:process";
import type { Client, Decision } from "../client/client.ts";
import { isLocation, sendableAssignment } from "../client/codec.ts";

/** The visitor's cookie, and the header that tells upstreams its assignment. */
export const ASSIGNMENT_NAME = "maxwellsdaemon";
/** The header that tells upstreams the location. */
export const LOCATION_NAME = "maxwellsdaemon-location";
/**
 * Headers that only this middleware may set. The last one is the same header to an upstream behind CGI or WSGI, which turn
 * dashes into underscores.
 */
export const FORGEABLE_NAMES: readonly string[] = [
  ASSIGNMENT_NAME,
  LOCATION_NAME,
  LOCATION_NAME.replace("-", "_"),
];
/** The header, or else the cookie, by which a visitor asks for a location. */
export const FORCE_NAME = "maxwellsdaemon-force";

const COOKIE_ATTRIBUTES = "; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax";

/** @template R the framework's request */
export interface VisitOptions<R> {
  /** Who is asked. */
  readonly client: Client;
  /** Its name, where the daemon serves several; the daemon's first one by default. */
  readonly application?: string | undefined;
  /** The versions that this application can serve, `["canary"]` by default; every other answer is master. */
  readonly locations?: readonly string[] | undefined;
  /** A stable id of the visitor, such as a user id: gives one without a cookie the same assignment everywhere. */
  readonly key?: ((request: R) => string | undefined) | undefined;
  /** Visitors may ask for a location, by header or cookie; false by default. The daemon has to allow it, too. */
  readonly allowForce?: boolean | undefined;
  /** The cookie is always `Secure`; else where the framework says that the request came over TLS. */
  readonly secure?: boolean | undefined;
}

/** What a framework hands over of a request. */
export interface VisitRequest<R> {
  readonly request: R;
  readonly cookies: string | undefined;
  /** The header of FORCE_NAME. */
  readonly force: string | undefined;
  readonly isTls: boolean;
  /** Of another middleware of this kind in front of this one, for another application. */
  readonly earlier?: VisitorDecision | undefined;
}

/** Where the visitor of a request is served. */
export type VisitorDecision = Decision & {
  /** The visitor did not bring its assignment: it gets a cookie with this response. */
  readonly isNew: boolean;
};

export interface VisitOutcome {
  readonly decision: VisitorDecision;
  /** The value of `Set-Cookie`, where the visitor's assignment is new. */
  readonly cookie: string | undefined;
}

/**
 * Decides one request. Never rejects.
 *
 * @param toldOf key functions that a warning was given about: one warning for each, and not one for each visitor
 */
export async function decideVisit<R>(
  options: VisitOptions<R>,
  visit: VisitRequest<R>,
  toldOf: WeakSet<object>,
): Promise<VisitOutcome> {
  const { client, application, allowForce = false, locations = ["canary"], secure = false } = options;
  // A visitor has one assignment for all applications, and what it is by now is told by one cookie.
  const given = visit.earlier?.isDecided
    ? visit.earlier.assignment
    : sendableAssignment(cookieOf(visit.cookies, ASSIGNMENT_NAME));
  const key = keyOf(options, visit.request, toldOf);
  const force = allowForce ? forced(visit) : undefined;
  const decision = await client.decide({ assignment: given, application, key, force });
  const isNew = decision.isDecided && decision.assignment !== given;
  const isNewEarlier = visit.earlier?.isNew ?? false;
  return {
    decision: isServed(decision, locations)
      ? { ...decision, isNew: isNew || isNewEarlier }
      : { ...decision, location: "master", isNew: isNew || isNewEarlier },
    cookie: isNew
      ? `${ASSIGNMENT_NAME}=${decision.assignment}${COOKIE_ATTRIBUTES}${secure || visit.isTls ? "; Secure" : ""}`
      : undefined,
  };
}

/** Tells upstreams in the headers of a request what was decided, in place of what the visitor says there. */
export function tellUpstreams(headers: Record<string, unknown>, { assignment, location }: Decision): void {
  for (const name of FORGEABLE_NAMES) delete headers[name];
  if (assignment !== undefined) headers[ASSIGNMENT_NAME] = assignment;
  headers[LOCATION_NAME] = location;
}

/** A header that came once. */
export function onlyHeader(value: string | string[] | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** The first cookie of that name. */
export function cookieOf(header: string | undefined, name: string): string | undefined {
  if (header === undefined) return undefined;
  for (const pair of header.split(";")) {
    const equals = pair.indexOf("=");
    if (equals > 0 && pair.slice(0, equals).trim() === name) return pair.slice(equals + 1).trim();
  }
  return undefined;
}

function isServed({ location }: Decision, locations: readonly string[]): boolean {
  return location === "master" || locations.includes(location);
}

function forced<R>({ force, cookies }: VisitRequest<R>): string | undefined {
  const location = force || cookieOf(cookies, FORCE_NAME);
  return location !== undefined && isLocation(location) ? location : undefined;
}

/** A key function that throws, or gives what is no key, is no visitor's error: it is told, and the visitor has no key. */
function keyOf<R>({ key }: VisitOptions<R>, request: R, toldOf: WeakSet<object>): string | undefined {
  if (key === undefined) return undefined;
  try {
    const value: unknown = key(request);
    if (value === undefined || value === null || value === "") return undefined;
    if (typeof value === "string" || typeof value === "bigint" || Number.isFinite(value))
      return String(value);
    // As text it may be the same for all visitors, and they would all be in one place.
    if (value instanceof Promise) value.catch(() => {});
    complain(
      toldOf,
      key,
      new TypeError(`key gave ${kindOf(value)} in place of a string: its visitors have no key`),
    );
  } catch (error) {
    complain(toldOf, key, error instanceof Error ? error : String(error));
  }
  return undefined;
}

function complain(toldOf: WeakSet<object>, key: object, warning: Error | string): void {
  if (toldOf.has(key)) return;
  toldOf.add(key);
  emitWarning(warning);
}

function kindOf(value: unknown): string {
  return value instanceof Promise ? "a promise" : `a value of the type ${typeof value}`;
}
