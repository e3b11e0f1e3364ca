// Reads the tokens as they ship and checks them: WCAG contrast of every text colour on every surface, and the OKLab
// distance between any two risk levels for normal vision and three simulated deficiencies (Machado et al. 2009).
import { describe, expect, it } from 'vitest';
import css from './tokens.css?raw';

type Triple = [number, number, number];
type Theme = 'light' | 'dark';

function token(name: string, theme: Theme): string {
  const pair = css.match(new RegExp(`--${name}: light-dark\\((#[0-9a-f]{6}), (#[0-9a-f]{6})\\)`));
  const value = theme === 'light' ? pair?.[1] : pair?.[2];
  if (value === undefined) throw new Error(`tokens.css has no --${name}`);
  return value;
}

const CONTRAST_MIN = 4.5;
const DISTANCE_MIN: Record<Theme, number> = { light: 0.11, dark: 0.16 };
const SURFACES = ['bg', 'surface', 'raised'];
const LEVELS = ['risk-low', 'risk-medium', 'risk-high', 'risk-critical'];
const TEXTS = ['fg', 'muted', 'accent', ...LEVELS];

const VISION: Record<string, [Triple, Triple, Triple]> = {
  normal: [
    [1, 0, 0],
    [0, 1, 0],
    [0, 0, 1],
  ],
  protanopia: [
    [0.152286, 1.052583, -0.204868],
    [0.114503, 0.786281, 0.099216],
    [-0.003882, -0.048116, 1.051998],
  ],
  deuteranopia: [
    [0.367322, 0.860646, -0.227968],
    [0.280085, 0.672501, 0.047413],
    [-0.01182, 0.04294, 0.968881],
  ],
  tritanopia: [
    [1.255528, -0.076749, -0.178779],
    [-0.078411, 0.930809, 0.147602],
    [0.004733, 0.691367, 0.3039],
  ],
};

function linear(hex: string): Triple {
  return [1, 3, 5].map((at) => {
    const channel = Number.parseInt(hex.slice(at, at + 2), 16) / 255;
    return channel <= 0.04045 ? channel / 12.92 : ((channel + 0.055) / 1.055) ** 2.4;
  }) as Triple;
}

const dot = (a: Triple, b: Triple) => a[0] * b[0] + a[1] * b[1] + a[2] * b[2];

function luminance(hex: string): number {
  return dot(linear(hex), [0.2126, 0.7152, 0.0722]);
}

function contrast(a: string, b: string): number {
  const bright = Math.max(luminance(a), luminance(b));
  const dim = Math.min(luminance(a), luminance(b));
  return (bright + 0.05) / (dim + 0.05);
}

function oklab(rgb: Triple): Triple {
  const l = Math.cbrt(dot(rgb, [0.4122214708, 0.5363325363, 0.0514459929]));
  const m = Math.cbrt(dot(rgb, [0.2119034982, 0.6806995451, 0.1073969566]));
  const s = Math.cbrt(dot(rgb, [0.0883024619, 0.2817188376, 0.6299787005]));
  const cone: Triple = [l, m, s];
  return [
    dot(cone, [0.2104542553, 0.793617785, -0.0040720468]),
    dot(cone, [1.9779984951, -2.428592205, 0.4505937099]),
    dot(cone, [0.0259040371, 0.7827717662, -0.808675766]),
  ];
}

function seenAs(hex: string, vision: [Triple, Triple, Triple]): Triple {
  const rgb = linear(hex);
  return oklab(vision.map((part) => Math.min(1, Math.max(0, dot(rgb, part)))) as Triple);
}

const themes: Theme[] = ['light', 'dark'];

describe.each(themes)('the %s theme', (theme) => {
  it.each(TEXTS)('%s can be read on every surface', (text) => {
    for (const surface of SURFACES) {
      expect(contrast(token(text, theme), token(surface, theme))).toBeGreaterThanOrEqual(CONTRAST_MIN);
    }
  });

  it('text on the accent can be read', () => {
    expect(contrast(token('on-accent', theme), token('accent', theme))).toBeGreaterThanOrEqual(CONTRAST_MIN);
  });

  it.each(Object.entries(VISION))('the risk levels stay apart with %s vision', (_, vision) => {
    const seen = LEVELS.map((level) => seenAs(token(level, theme), vision));
    seen.forEach((a, i) => {
      for (const b of seen.slice(i + 1)) {
        const distance = Math.hypot(a[0] - b[0], a[1] - b[1], a[2] - b[2]);
        expect(distance).toBeGreaterThanOrEqual(DISTANCE_MIN[theme] - 0.0005);
      }
    });
  });
});

describe('the check itself', () => {
  it('would catch a pair that only differs for some eyes', () => {
    const deuteranopia = VISION.deuteranopia as [Triple, Triple, Triple];
    const [a, b] = [seenAs('#d55e00', deuteranopia), seenAs('#999933', deuteranopia)];
    const normal = [oklab(linear('#d55e00')), oklab(linear('#999933'))] as const;
    const gap = (x: Triple, y: Triple) => Math.hypot(x[0] - y[0], x[1] - y[1], x[2] - y[2]);
    expect(gap(a, b)).toBeLessThan(gap(normal[0], normal[1]));
    expect(contrast('#ffffff', '#000000')).toBeCloseTo(21, 5);
  });
});
