/** Bodies of Alertmanager's webhook, as a real one sends them. */

export function alertOf(
  labels: Readonly<Record<string, string>>,
  changes: Readonly<Record<string, unknown>> = {},
): Readonly<Record<string, unknown>> {
  return {
    status: "firing",
    labels: { alertname: "CheckoutErrors", severity: "critical", ...labels },
    annotations: { summary: "a hundred orders fail" },
    startsAt: "2026-11-29T12:05:00.123456789Z",
    endsAt: "0001-01-01T00:00:00Z",
    generatorURL: "http://prometheus:9090/graph",
    fingerprint: "5ef77f1f8a3ecfac",
    ...changes,
  };
}

export function bodyOf(alerts: readonly unknown[], changes: Readonly<Record<string, unknown>> = {}): string {
  return JSON.stringify({
    ...{ receiver: "release-abort", status: "firing", alerts },
    ...{ groupLabels: {}, commonLabels: {}, commonAnnotations: {} },
    ...{ externalURL: "http://alertmanager:9093", version: "4", groupKey: "{}", truncatedAlerts: 0 },
    ...changes,
  });
}
