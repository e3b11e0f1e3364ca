// Decides what a screen reader is told about a list that changes all the time: at most one sentence per ten seconds.
import type { Alert } from '../api/wire';
import { tierLook } from '../risk/tiers';

export const ANNOUNCE_MS_MIN = 10_000;

export interface Announcer {
  lastAtMs: number;
  pending: readonly Alert[];
}

export const quietAnnouncer: Announcer = { lastAtMs: Number.NEGATIVE_INFINITY, pending: [] };

export function heard(announcer: Announcer, alerts: readonly Alert[]): Announcer {
  return alerts.length === 0 ? announcer : { ...announcer, pending: [...announcer.pending, ...alerts] };
}

/** The sentence to speak now, or null; speaking empties what was pending. */
export function speak(
  announcer: Announcer,
  nowMs: number,
): { announcer: Announcer; sentence: string | null } {
  if (announcer.pending.length === 0 || nowMs - announcer.lastAtMs < ANNOUNCE_MS_MIN) {
    return { announcer, sentence: null };
  }
  const byTier = new Map<string, number>();
  for (const alert of announcer.pending) {
    const word = tierLook(alert.tier).word.toLowerCase();
    byTier.set(word, (byTier.get(word) ?? 0) + 1);
  }
  const total = announcer.pending.length;
  const parts = [...byTier].map(([word, count]) => `${count} ${word}`).join(', ');
  return {
    announcer: { lastAtMs: nowMs, pending: [] },
    sentence: `${total} new ${total === 1 ? 'alert' : 'alerts'}: ${parts}`,
  };
}
