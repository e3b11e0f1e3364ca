// The theme button: the first press is always visible, the last comes back to the system.
import { expect, it } from 'vitest';
import { type Choice, nextChoice, type Theme } from './theme';

function presses(system: Theme): Choice[] {
  const first = nextChoice('system', system);
  const second = nextChoice(first, system);
  return [first, second, nextChoice(second, system)];
}

it('cycles through both themes back to the system, starting with the other one', () => {
  expect(presses('dark')).toEqual(['light', 'dark', 'system']);
  expect(presses('light')).toEqual(['dark', 'light', 'system']);
});
