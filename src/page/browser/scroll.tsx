/** A part that may be too wide, such as a table. It scrolls by itself, and then a key reaches it. */

import type { ComponentChildren } from "preact";
import { useEffect, useRef } from "preact/hooks";

interface ScrollProps {
  readonly label: string;
  readonly children: ComponentChildren;
}

export function Scroll({ label, children }: ScrollProps) {
  const place = useRef<HTMLFieldSetElement>(null);
  useEffect(() => {
    const { current: element } = place;
    if (element === null) return;
    const watcher = new ResizeObserver(() => {
      // With nothing to scroll, it would be a stop of the tab key for nothing.
      if (element.scrollWidth > element.clientWidth) element.tabIndex = 0;
      else element.removeAttribute("tabindex");
    });
    watcher.observe(element);
    for (const child of element.children) watcher.observe(child);
    return () => watcher.disconnect();
  }, []);
  return (
    <fieldset class="scroll" ref={place} aria-label={label}>
      {children}
    </fieldset>
  );
}
