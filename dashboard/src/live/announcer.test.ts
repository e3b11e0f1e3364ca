// What a screen reader hears: new alerts by tier, at most one sentence per ten seconds.
import { describe, expect, it } from 'vitest';
import type { Alert } from '../api/wire';
import { heard, quietAnnouncer, speak } from './announcer';

const alert = (tier: string) => ({ tier }) as Alert;

describe('the announcer', () => {
  it('is silent while nothing happens', () => {
    expect(speak(heard(quietAnnouncer, []), 1000).sentence).toBeNull();
  });

  it('speaks the first alert at once and then waits ten seconds', () => {
    const first = speak(heard(quietAnnouncer, [alert('critical')]), 0);
    expect(first.sentence).toBe('1 new alert: 1 critical');
    const more = heard(heard(first.announcer, [alert('high'), alert('low')]), [alert('low')]);
    expect(speak(more, 9_999).sentence).toBeNull();
    const second = speak(more, 10_000);
    expect(second.sentence).toBe('3 new alerts: 1 high, 2 low');
    expect(speak(second.announcer, 30_000).sentence).toBeNull();
  });
});
