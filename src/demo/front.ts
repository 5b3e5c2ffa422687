/** The contract of the proxy in front of the shop. */

/**
 * A proxy waits so long for the daemon. It is longer than usual, because the daemon shares its process with
 * 300 visitors and the shop.
 */
export const DECISION_MS_MAX = 100;

export interface Front {
  /** For people: `nginx 1.26.3`. */
  readonly name: string;
  readonly port: number;
  /** Resolves when it is gone. */
  close(): Promise<void>;
  /** The same at once, for a process that ends now. */
  kill(): void;
}

/** The parts that a proxy connects. */
export interface FrontParts {
  /** The proxy may write here. If root runs nginx, its workers are of another user, who may not enter it. */
  readonly directory: string;
  readonly application: string;
  /** The ports of the versions on loopback. */
  readonly masterPort: number;
  readonly canaryPort: number;
  /** The daemon's socket of the line protocol. */
  readonly socket: string;
  /** The ports of loopback at which the daemon answers over HTTP, and hears outcomes. */
  readonly httpPort: number;
  readonly outcomesPort: number;
  /** The file that exists in maintenance mode. */
  readonly maintenanceFile: string;
}
