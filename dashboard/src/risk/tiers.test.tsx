// Tiers and verdicts: every level has its own shape and word, and unknown words are shown, not dropped.
import { cleanup, render } from '@testing-library/react';
import { afterEach, describe, expect, it } from 'vitest';
import { TierBadge } from '../components/tier-badge';
import { VerdictBadge } from '../components/verdict-badge';
import { tierLook, VERDICTS, verdictLook } from './tiers';

const TIERS = ['minimal', 'low', 'medium', 'high', 'critical'];

afterEach(cleanup);

describe('tiers', () => {
  it('have the shapes of the style guide', () => {
    expect(TIERS.map((tier) => [tierLook(tier).word, tierLook(tier).shape])).toEqual([
      ['Minimal', 'ring'],
      ['Low', 'dash'],
      ['Medium', 'caret'],
      ['High', 'triangle'],
      ['Critical', 'octagon'],
    ]);
  });

  it('differ in shape and in colour', () => {
    expect(new Set(TIERS.map((tier) => tierLook(tier).shape)).size).toBe(TIERS.length);
    expect(new Set(TIERS.map((tier) => tierLook(tier).tone)).size).toBe(TIERS.length);
  });

  it.each([...TIERS, 'extreme'])('render %s with its shape and its word', (tier) => {
    const { container } = render(<TierBadge tier={tier} />);
    const look = tierLook(tier);
    expect(container.textContent).toBe(look.word);
    expect(container.querySelector('svg')?.getAttribute('data-shape')).toBe(look.shape);
  });

  it('keep the word of a tier this build does not know', () => {
    expect(tierLook('very_extreme')).toEqual({ word: 'Very extreme', shape: 'diamond', tone: 'muted' });
    expect(tierLook('constructor').shape).toBe('diamond');
  });
});

describe('verdicts', () => {
  it('carry the word beside the icon, known or not', () => {
    for (const verdict of [...VERDICTS, 'hold']) {
      const { container } = render(<VerdictBadge decision={verdict} />);
      expect(container.textContent).toBe(verdictLook(verdict).word);
      expect(container.querySelector('svg')).not.toBeNull();
      cleanup();
    }
  });
});
