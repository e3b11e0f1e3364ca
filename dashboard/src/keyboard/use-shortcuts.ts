// Single-key shortcuts. They stay off while typing, with a modifier held, and where a key already means something to
// the focused control (space and Enter on buttons and links).
import { useEffect, useRef } from 'react';
import { flushSync } from 'react-dom';

export type Shortcuts = Record<string, (event: KeyboardEvent) => void>;

const TYPED_INTO = 'input, textarea, select, [contenteditable="true"]';
const PRESSED_BY_KEY = 'button, a[href], summary, [role="button"]';

export function shortcutApplies(event: KeyboardEvent): boolean {
  if (event.ctrlKey || event.metaKey || event.altKey || event.defaultPrevented || event.isComposing)
    return false;
  const target = event.target;
  if (!(target instanceof Element)) return true;
  if (target.closest(TYPED_INTO)) return false;
  const pressing = event.key === ' ' || event.key === 'Enter';
  return !(pressing && target.closest(PRESSED_BY_KEY));
}

export function useShortcuts(shortcuts: Shortcuts): void {
  const current = useRef(shortcuts);
  current.current = shortcuts;
  useEffect(() => {
    const pressed = (event: KeyboardEvent) => {
      const run = current.current[event.key];
      // Drawn at once, so that the next key of a fast typist meets what this one changed.
      if (run && shortcutApplies(event)) flushSync(() => run(event));
    };
    window.addEventListener('keydown', pressed);
    return () => window.removeEventListener('keydown', pressed);
  }, []);
}
