/**
 * Requests to the JSON gateway of an etcd cluster: POST, JSON in, JSON out
 * (docs/decisions/0017-etcd-gateway.md).
 *
 * Endpoints are tried one after the other, beginning with the one that answered last. So a member that is
 * gone or hangs costs its time limit once, and not at each read. A login gives a token. All requests share it
 * until a member no longer knows it.
 */

import { abandoned, unlessAborted } from "../shared/abort.ts";
import { readText } from "../shared/body.ts";
import { IDENTITY_HEADER, NO_UNPACKING, refuseEncoded } from "../shared/identity.ts";
import { hasMoreValues, nestsTooDeeply } from "../shared/json-text.ts";
import { StoreError } from "../store.ts";
import type { EtcdPlace } from "./address.ts";
import {
  EtcdError,
  type GatewayRefusal,
  isAuthNotEnabled,
  isStaleToken,
  refusalFault,
  refusalOf,
  requestFault,
  strangerFault,
} from "./faults.ts";
import { asJson, type Json } from "./records.ts";

/** The time that one endpoint may take, login included. */
const ENDPOINT_TIMEOUT_MS = 1_500;

/** The limit for all endpoints together. */
const CALL_TIMEOUT_MS = 4_500;

/** A single endpoint is tried twice, because a connection from the pool may be dead already. */
const ATTEMPTS_MIN = 2;

/**
 * Room for the largest request that etcd takes, 1.5 MiB, in base64. Parsing more would make visitors wait
 * (law 1).
 */
const ANSWER_BYTES_MAX = 2 * 1024 * 1024;

/** A daemon reads a thousand keys at once at most, each with a few values. A command may read more. */
const ANSWER_VALUES_MAX = 16_384;

/**
 * An answer, and the number of attempts. Every attempt but the last may have reached etcd without an answer.
 */
export interface GatewayAnswer {
  readonly json: Json;
  readonly attempts: number;
}

/** Certificates in the form that `fetch` takes. */
type Tls = Readonly<Record<string, ReturnType<typeof Bun.file>>>;

export class EtcdGateway {
  readonly #place: EtcdPlace;
  readonly #tls: Tls | undefined;
  readonly #closing = new AbortController();
  /** The endpoint that answered last. */
  #first = 0;
  /** Empty if etcd has no users; undefined before the first login. */
  #token: Promise<string> | undefined;

  constructor(place: EtcdPlace) {
    this.#place = place;
    this.#tls = tlsOf(place);
  }

  /**
   * Rejects with a `StoreError`.
   *
   * @param bytesMax the longest answer that is accepted
   */
  async call(
    path: string,
    body: Json,
    signal: AbortSignal,
    bytesMax = ANSWER_BYTES_MAX,
  ): Promise<GatewayAnswer> {
    return this.#inTurn(signal, async (endpoint, attempt, inTime) => ({
      json: await this.#ask(endpoint, path, body, inTime, bytesMax),
      attempts: attempt + 1,
    }));
  }

  /**
   * Begins a request whose answer does not end until `signal` aborts.
   *
   * @returns its bytes
   */
  async stream(path: string, body: Json, signal: AbortSignal): Promise<ReadableStream<Uint8Array>> {
    return this.#inTurn(signal, async (endpoint, _attempt, inTime) => {
      const token = await this.#login(endpoint, inTime);
      // The time limit is for the beginning only.
      const response = await unlessAborted(inTime, this.#post(endpoint, path, body, token, signal));
      if (!response.ok || response.body === null) throw await this.#faultOf(endpoint, response);
      return response.body;
    });
  }

  /** The next request logs in again. */
  forgetToken(): void {
    this.#token = undefined;
  }

  close(): void {
    this.#closing.abort();
  }

  async #inTurn<T>(
    signal: AbortSignal,
    ask: (endpoint: string, attempt: number, inTime: AbortSignal) => Promise<T>,
  ): Promise<T> {
    const { endpoints } = this.#place;
    const whole = AbortSignal.any([signal, this.#closing.signal, AbortSignal.timeout(CALL_TIMEOUT_MS)]);
    const start = this.#first;
    let fault: StoreError | undefined;
    for (let attempt = 0; attempt < Math.max(ATTEMPTS_MIN, endpoints.length); attempt++) {
      if (whole.aborted) break;
      const index = (start + attempt) % endpoints.length;
      const endpoint = endpoints[index] ?? "";
      const inTime = AbortSignal.any([whole, AbortSignal.timeout(ENDPOINT_TIMEOUT_MS)]);
      try {
        const answer = await ask(endpoint, attempt, inTime);
        this.#first = index;
        return answer;
      } catch (error) {
        fault = requestFault(endpoint, error, ENDPOINT_TIMEOUT_MS);
        // All members would answer the question in the same way.
        const isSame = fault instanceof EtcdError && (fault.isUnknownRevision || fault.isLeaseGone);
        if (fault.code === "denied" || isSame) throw fault;
      }
    }
    if (signal.aborted) throw abandoned(signal);
    throw fault ?? new StoreError("unavailable", "the store is closed");
  }

  /** One request, and a second one if the token is stale. */
  async #ask(
    endpoint: string,
    path: string,
    body: Json,
    inTime: AbortSignal,
    bytesMax: number,
  ): Promise<Json> {
    const token = await this.#login(endpoint, inTime);
    const first = await this.#exchange(endpoint, path, body, token, inTime, bytesMax);
    if (!isRefusal(first)) return first.json;
    if (this.#place.login === undefined || !isStaleToken(first)) throw refusalFault(endpoint, first);
    this.forgetToken();
    const again = await this.#login(endpoint, inTime);
    const second = await this.#exchange(endpoint, path, body, again, inTime, bytesMax);
    if (isRefusal(second)) throw refusalFault(endpoint, second);
    return second.json;
  }

  /**
   * The token to send; empty if none is needed. Requests at the same time share one login, because etcd takes
   * long to check a password.
   */
  async #login(endpoint: string, inTime: AbortSignal): Promise<string> {
    const { login } = this.#place;
    if (login === undefined) return "";
    if (this.#token === undefined) {
      const limit = AbortSignal.any([this.#closing.signal, AbortSignal.timeout(ENDPOINT_TIMEOUT_MS)]);
      const token = this.#authenticate(endpoint, login, limit);
      this.#token = token;
      token.catch(() => {
        if (this.#token === token) this.#token = undefined;
      });
    }
    return unlessAborted(inTime, this.#token);
  }

  async #authenticate(endpoint: string, login: Json, limit: AbortSignal): Promise<string> {
    const answer = await this.#exchange(endpoint, "/v3/auth/authenticate", login, "", limit);
    if (isRefusal(answer)) {
      if (isAuthNotEnabled(answer)) return "";
      throw refusalFault(endpoint, answer);
    }
    const { token } = answer.json;
    if (typeof token !== "string" || !/^[\x21-\x7e]{1,4096}$/.test(token)) throw strangerFault(endpoint, 200);
    return token;
  }

  async #exchange(
    endpoint: string,
    path: string,
    body: Json,
    token: string,
    inTime: AbortSignal,
    bytesMax = ANSWER_BYTES_MAX,
  ): Promise<{ readonly json: Json } | GatewayRefusal> {
    const response = await this.#post(endpoint, path, body, token, inTime);
    const json = await jsonOf(endpoint, response, bytesMax);
    const refusal = response.ok ? undefined : refusalOf(response.status, json);
    if (refusal !== undefined) return refusal;
    if (!response.ok || json === undefined) throw strangerFault(endpoint, response.status);
    return { json };
  }

  async #faultOf(endpoint: string, response: Response): Promise<StoreError> {
    const refusal = refusalOf(response.status, await jsonOf(endpoint, response));
    if (refusal === undefined) return strangerFault(endpoint, response.status);
    if (isStaleToken(refusal)) this.forgetToken();
    return refusalFault(endpoint, refusal);
  }

  async #post(
    endpoint: string,
    path: string,
    body: Json,
    token: string,
    signal: AbortSignal,
  ): Promise<Response> {
    const login = token === "" ? {} : { authorization: token };
    const response = await fetch(`${endpoint}${path}`, {
      ...NO_UNPACKING,
      method: "POST",
      body: JSON.stringify(body),
      headers: { "content-type": "application/json", ...IDENTITY_HEADER, ...login },
      // Only this endpoint may get the token.
      redirect: "manual",
      signal,
      ...(this.#tls === undefined ? {} : { tls: this.#tls }),
    });
    await refuseEncoded(endpoint, response);
    return response;
  }
}

function isRefusal(answer: { readonly json: Json } | GatewayRefusal): answer is GatewayRefusal {
  return "text" in answer;
}

/** Undefined if the body is not a JSON object. Rejects if it is too long, or does not arrive. */
async function jsonOf(
  endpoint: string,
  response: Response,
  bytesMax = ANSWER_BYTES_MAX,
): Promise<Json | undefined> {
  const text = await readText(response, bytesMax);
  if (text === undefined) {
    const remedy = "remove versions and applications that no daemon serves";
    const fault = new EtcdError(
      "malformed",
      `${endpoint} answers with more than ${bytesMax} bytes; ${remedy}`,
    );
    fault.isTooLong = true;
    throw fault;
  }
  try {
    // No answer of etcd has that many values or that depth, and parsing such an answer would make visitors
    // wait.
    const isOfDaemon = bytesMax < ANSWER_BYTES_MAX;
    return (isOfDaemon && hasMoreValues(text, ANSWER_VALUES_MAX)) || nestsTooDeeply(text)
      ? undefined
      : asJson(JSON.parse(text));
  } catch {
    return undefined;
  }
}

function tlsOf({ files: { cacert, cert, key } }: EtcdPlace): Tls | undefined {
  const tls: Record<string, ReturnType<typeof Bun.file>> = {};
  if (cacert !== undefined) tls["ca"] = Bun.file(cacert);
  if (cert !== undefined) tls["cert"] = Bun.file(cert);
  if (key !== undefined) tls["key"] = Bun.file(key);
  return Object.keys(tls).length === 0 ? undefined : tls;
}
