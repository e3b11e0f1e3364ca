// Which theme is on. Unset follows the system; a choice is kept in the browser. The document element carries it as
// `data-theme`, and everything that paints by itself (the charts) listens here.
import { useSyncExternalStore } from 'react';

export type Theme = 'dark' | 'light';
export type Choice = Theme | 'system';

const STORED_UNDER = 'sentinel.theme';
const listeners = new Set<() => void>();
const prefersLight = window.matchMedia('(prefers-color-scheme: light)');
let choice: Choice = stored();

function stored(): Choice {
  try {
    const value = window.localStorage.getItem(STORED_UNDER);
    return value === 'dark' || value === 'light' ? value : 'system';
  } catch {
    return 'system';
  }
}

function systemTheme(): Theme {
  return prefersLight.matches ? 'light' : 'dark';
}

function effective(): Theme {
  return choice === 'system' ? systemTheme() : choice;
}

export function applyTheme(): void {
  if (choice === 'system') delete document.documentElement.dataset.theme;
  else document.documentElement.dataset.theme = choice;
  for (const listener of listeners) listener();
}

prefersLight.addEventListener('change', applyTheme);

/** The first press always changes what is seen; the third comes back to the system's own theme. */
export function nextChoice(current: Choice, system: Theme): Choice {
  const other: Theme = system === 'dark' ? 'light' : 'dark';
  if (current === 'system') return other;
  return current === other ? system : 'system';
}

export function cycleTheme(): void {
  choice = nextChoice(choice, systemTheme());
  try {
    if (choice === 'system') window.localStorage.removeItem(STORED_UNDER);
    else window.localStorage.setItem(STORED_UNDER, choice);
  } catch {
    // A browser that keeps nothing still switches for this visit.
  }
  applyTheme();
}

function subscribe(listener: () => void): () => void {
  listeners.add(listener);
  return () => listeners.delete(listener);
}

export function useTheme(): { theme: Theme; choice: Choice } {
  const theme = useSyncExternalStore(subscribe, effective);
  const current = useSyncExternalStore(subscribe, () => choice);
  return { theme, choice: current };
}

/** The computed colour of a token, for the canvas. */
export function tokenColour(token: string): string {
  const probe = document.createElement('span');
  probe.style.color = `var(${token})`;
  document.body.append(probe);
  const colour = window.getComputedStyle(probe).color;
  probe.remove();
  return colour;
}
