// When a single key is a shortcut, and when it belongs to what has the focus.
import { afterEach, expect, it } from 'vitest';
import { shortcutApplies } from './use-shortcuts';

afterEach(() => document.body.replaceChildren());

function pressOn(markup: string, key: string, more: KeyboardEventInit = {}): boolean {
  document.body.innerHTML = markup;
  const target = document.body.querySelector('.here') ?? document.body;
  let applies = false;
  const listen = (event: KeyboardEvent) => {
    applies = shortcutApplies(event);
  };
  window.addEventListener('keydown', listen);
  target.dispatchEvent(new KeyboardEvent('keydown', { key, bubbles: true, ...more }));
  window.removeEventListener('keydown', listen);
  return applies;
}

it('applies on the page itself', () => {
  expect(pressOn('<p class="here"></p>', 'j')).toBe(true);
  expect(pressOn('<p class="here"></p>', ' ')).toBe(true);
});

it('stays out of text fields and of combinations', () => {
  expect(pressOn('<input class="here" />', 'j')).toBe(false);
  expect(pressOn('<textarea class="here"></textarea>', '?')).toBe(false);
  expect(pressOn('<p class="here"></p>', 'k', { ctrlKey: true })).toBe(false);
  expect(pressOn('<p class="here"></p>', 'k', { metaKey: true })).toBe(false);
});

it('leaves space and Enter to buttons and links, but not the letters', () => {
  expect(pressOn('<button><span class="here"></span></button>', ' ')).toBe(false);
  expect(pressOn('<a href="/docs" class="here"></a>', 'Enter')).toBe(false);
  expect(pressOn('<button class="here"></button>', 'j')).toBe(true);
});
