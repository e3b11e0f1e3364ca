// The one place that says how a risk tier or a verdict looks: a shape, a word and a colour token, never colour alone.
import type { Decision, Open, Tier } from '../api/wire';

export type Shape = 'ring' | 'dash' | 'caret' | 'triangle' | 'octagon' | 'diamond';
export type Tone = 'muted' | 'low' | 'medium' | 'high' | 'critical';

export interface TierLook {
  word: string;
  shape: Shape;
  tone: Tone;
}

const TIERS: Record<Tier, TierLook> = {
  minimal: { word: 'Minimal', shape: 'ring', tone: 'muted' },
  low: { word: 'Low', shape: 'dash', tone: 'low' },
  medium: { word: 'Medium', shape: 'caret', tone: 'medium' },
  high: { word: 'High', shape: 'triangle', tone: 'high' },
  critical: { word: 'Critical', shape: 'octagon', tone: 'critical' },
};

export interface VerdictLook {
  word: string;
  tone: Tone;
}

export const VERDICTS: readonly Decision[] = ['approve', 'challenge', 'review', 'decline'];

const VERDICT_LOOKS: Record<Decision, VerdictLook> = {
  approve: { word: 'Approve', tone: 'low' },
  challenge: { word: 'Challenge', tone: 'medium' },
  review: { word: 'Review', tone: 'high' },
  decline: { word: 'Decline', tone: 'critical' },
};

function asWord(text: string): string {
  const spaced = text.replaceAll('_', ' ').trim();
  return spaced === '' ? 'Unknown' : spaced.charAt(0).toUpperCase() + spaced.slice(1);
}

/** A tier this build does not know keeps its own word and gets a neutral diamond. */
export function tierLook(tier: Open<Tier>): TierLook {
  return Object.hasOwn(TIERS, tier)
    ? TIERS[tier as Tier]
    : { word: asWord(tier), shape: 'diamond', tone: 'muted' };
}

export function verdictLook(decision: Open<Decision>): VerdictLook {
  return Object.hasOwn(VERDICT_LOOKS, decision)
    ? VERDICT_LOOKS[decision as Decision]
    : { word: asWord(decision), tone: 'muted' };
}
