// When a live list must keep still: pointer over it, keyboard focus in it, scrolled away from its top, the tab hidden,
// a detail open, or everything paused.
import { useCallback, useEffect, useRef, useState } from 'react';

interface HeldList {
  held: boolean;
  /** To be put on the element that scrolls. */
  scroller: (element: HTMLDivElement | null) => void;
  /** Its height in pixels, 0 until known. */
  height: number;
  toTop: () => void;
  region: {
    onPointerEnter: () => void;
    onPointerLeave: () => void;
    onFocus: (event: React.FocusEvent) => void;
    onBlur: (event: React.FocusEvent) => void;
  };
  onScroll: () => void;
}

function useHiddenTab(): boolean {
  const [hidden, setHidden] = useState(document.hidden);
  useEffect(() => {
    const changed = () => setHidden(document.hidden);
    document.addEventListener('visibilitychange', changed);
    return () => document.removeEventListener('visibilitychange', changed);
  }, []);
  return hidden;
}

export function useHeldList(stopped: boolean): HeldList {
  const element = useRef<HTMLDivElement | null>(null);
  const [height, setHeight] = useState(0);
  const [resized] = useState(
    () => new ResizeObserver((entries) => setHeight(entries.at(-1)?.contentRect.height ?? 0)),
  );
  const scroller = useCallback(
    (found: HTMLDivElement | null) => {
      resized.disconnect();
      element.current = found;
      if (found !== null) resized.observe(found);
    },
    [resized],
  );
  const [hovered, setHovered] = useState(false);
  const [focused, setFocused] = useState(false);
  const [scrolled, setScrolled] = useState(false);
  const hidden = useHiddenTab();
  const toTop = useCallback(() => element.current?.scrollTo({ top: 0 }), []);
  return {
    held: stopped || hovered || focused || scrolled || hidden,
    scroller,
    height,
    toTop,
    region: {
      onPointerEnter: () => setHovered(true),
      onPointerLeave: () => setHovered(false),
      onFocus: (event) => setFocused(event.target.matches(':focus-visible')),
      onBlur: (event) => setFocused(event.currentTarget.contains(event.relatedTarget as Node | null)),
    },
    onScroll: () => setScrolled((element.current?.scrollTop ?? 0) > 4),
  };
}
