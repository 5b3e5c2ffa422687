/** A figure, its bar, and the limit at the end of the bar. */

interface GaugeProps {
  readonly label: string;
  /** 1 is the limit. */
  readonly part: number;
  readonly text: string;
  readonly limit: string;
  /** The class that says what a full bar means. */
  readonly tone: string;
}

export function Gauge({ label, part, text, limit, tone }: GaugeProps) {
  return (
    <p class={`gauge ${tone}`}>
      <span>{label}</span>
      <b>{text}</b>
      <meter min={0} max={1} value={Math.min(1, Math.max(0, part))} aria-label={label} />
      <span>{limit}</span>
    </p>
  );
}
