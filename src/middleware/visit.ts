/**
 * The work of a middleware for each request, in every framework: cookie and headers → question → decision →
 * cookie. The framework's own file says how to find and keep these.
 *
 * The middleware does not trust visitors. The cookie counts only if it consists of the characters of a
 * number. Forcing counts only if the operator turned it on. The headers that carry the decision to upstreams
 * are never read.
 */

import { emitWarning } from "node:process";
import type { Client, Decision } from "../client/client.ts";
import { isLocation, sendableAssignment } from "../client/codec.ts";

/** The visitor's cookie, and the header that tells upstreams the visitor's assignment. */
const ASSIGNMENT_NAME = "maxwellsdaemon";
/** The header that tells upstreams the location. */
const LOCATION_NAME = "maxwellsdaemon-location";
/**
 * Headers that only this middleware may set. CGI and WSGI turn dashes into underscores, so to an upstream
 * behind them the last one is the same header as the second.
 */
export const FORGEABLE_NAMES: readonly string[] = [
  ASSIGNMENT_NAME,
  LOCATION_NAME,
  LOCATION_NAME.replace("-", "_"),
];
/** The header, or else the cookie, in which a visitor asks for a location. */
export const FORCE_NAME = "maxwellsdaemon-force";

const COOKIE_ATTRIBUTES = "; Path=/; Max-Age=31536000; HttpOnly; SameSite=Lax";

/** @template R the framework's request */
export interface VisitOptions<R> {
  /** The client that asks the daemon. */
  readonly client: Client;
  /** The application's name, if the daemon serves several; the daemon's first one by default. */
  readonly application?: string | undefined;
  /**
   * The versions that this application can serve, `["canary"]` by default; every other answer becomes master.
   */
  readonly locations?: readonly string[] | undefined;
  /**
   * A stable id of the visitor, such as a user id: a visitor without a cookie gets the same assignment
   * everywhere.
   */
  readonly key?: ((request: R) => string | undefined) | undefined;
  /** Lets visitors force a location, by header or cookie; false by default. The daemon must allow it, too. */
  readonly allowForce?: boolean | undefined;
  /**
   * Makes the cookie always `Secure`; by default it is `Secure` if the framework says that the request came
   * over TLS.
   */
  readonly secure?: boolean | undefined;
  /**
   * Reports to the daemon what became of each request that it decided, so that it can judge a release; true
   * by default.
   */
  readonly report?: boolean | undefined;
}

/** The parts of a request that a framework hands over. */
export interface VisitRequest<R> {
  readonly request: R;
  readonly cookies: string | undefined;
  /** The value of the header FORCE_NAME. */
  readonly force: string | undefined;
  readonly isTls: boolean;
  /** The decision of another such middleware in front of this one, for another application. */
  readonly earlier?: VisitorDecision | undefined;
}

/** The decision for the visitor of a request. */
export type VisitorDecision = Decision & {
  /** The visitor did not bring this assignment, so this response sets a cookie. */
  readonly isNew: boolean;
};

export interface VisitOutcome {
  readonly decision: VisitorDecision;
  /** The value of `Set-Cookie`, if the visitor's assignment is new. */
  readonly cookie: string | undefined;
  /** The visitor came with this assignment, or has a key. */
  readonly isBrought: boolean;
  /** The visitor asked for a location, and may do so. */
  readonly isForced: boolean;
}

/**
 * Decides one request. Never rejects.
 *
 * @param toldOf key functions that had their warning: one for each function, not one for each visitor
 */
export async function decideVisit<R>(
  options: VisitOptions<R>,
  visit: VisitRequest<R>,
  toldOf: WeakSet<object>,
): Promise<VisitOutcome> {
  const { client, application, allowForce = false, locations = ["canary"], secure = false } = options;
  // A visitor has one assignment for all applications, and one cookie carries it.
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
    isBrought: key !== undefined || !(isNew || isNewEarlier),
    isForced: force !== undefined,
    cookie: isNew
      ? `${ASSIGNMENT_NAME}=${decision.assignment}${COOKIE_ATTRIBUTES}${secure || visit.isTls ? "; Secure" : ""}`
      : undefined,
  };
}

/** Tells upstreams the decision in the headers of a request, in place of what the visitor claims there. */
export function tellUpstreams(headers: Record<string, unknown>, { assignment, location }: Decision): void {
  for (const name of FORGEABLE_NAMES) delete headers[name];
  if (assignment !== undefined) headers[ASSIGNMENT_NAME] = assignment;
  headers[LOCATION_NAME] = location;
}

/** The header's value, if it came once. */
export function onlyHeader(value: string | string[] | undefined): string | undefined {
  return typeof value === "string" ? value : undefined;
}

/** The value of the first cookie of that name. */
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

/**
 * If a key function throws or returns an unusable value, the process gets a warning, and the visitor has no
 * key.
 */
function keyOf<R>({ key }: VisitOptions<R>, request: R, toldOf: WeakSet<object>): string | undefined {
  if (key === undefined) return undefined;
  try {
    const value: unknown = key(request);
    if (value === undefined || value === null || value === "") return undefined;
    if (typeof value === "string" || typeof value === "bigint" || Number.isFinite(value))
      return String(value);
    // Turned into text, it might be the same for all visitors, and all of them would get one assignment.
    if (value instanceof Promise) value.catch(() => {});
    complain(
      toldOf,
      key,
      new TypeError(`key gave ${kindOf(value)} instead of a string: its visitors have no key`),
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
