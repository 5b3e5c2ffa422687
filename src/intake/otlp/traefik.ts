/**
 * Reads a record of Traefik's access log as an outcome. Traefik names its attributes by itself, and can add
 * none. So the application is a part of the service's name, as the files of the integration have it:
 * `website-canary@file`. Pure.
 */

import { type OutcomeDraft, resetOutcome } from "../outcome.ts";
import { finishOutcome, setField } from "../outcome-fields.ts";
import { type NoOutcome, UNDECIDED } from "../unreadable.ts";

type Attributes = ReadonlyMap<string, string>;

export function isTraefik(attributes: Attributes): boolean {
  return attributes.has("DownstreamStatus");
}

export function readTraefik(attributes: Attributes, draft: OutcomeDraft): NoOutcome | undefined {
  resetOutcome(draft);
  const of = (name: string) => attributes.get(name) ?? "";
  const [assignment, location] = [of("request_Maxwellsdaemon"), of("request_Maxwellsdaemon-Location")];
  const application = applicationOf(of("ServiceName"), location);
  // Traefik did not ask, has answered by itself, or it is another site.
  if (assignment === "" || application === "" || !attributes.has("OriginStatus")) return UNDECIDED;
  const durationMs = Number(of("Duration")) / 1e6;
  if (!(durationMs >= 0)) return "duration";
  draft.durationMs = durationMs;
  const startedMs = Number(of("StartUTC")) / 1e6;
  if (startedMs > 0) draft.decidedAtMs = startedMs;
  draft.isRetried = Number(of("RetryAttempts")) > 0;
  draft.isBrought = !of("RouterName").includes("-new@");
  const [source = ""] = of("ClientHost").split(",");
  return (
    setField(draft, "application", application) ??
    setField(draft, "location", location) ??
    setField(draft, "assignment", assignment) ??
    setField(draft, "status", of("DownstreamStatus")) ??
    setField(draft, "source", source.trim()) ??
    setField(draft, "forced", of("request_Maxwellsdaemon-Force")) ??
    finishOutcome(draft)
  );
}

/** `website` of `website-canary@file`, if that is the service of this location; else empty. */
function applicationOf(service: string, location: string): string {
  const at = service.indexOf(`-${location}@`);
  return at > 0 && location !== "" ? service.slice(0, at) : "";
}
