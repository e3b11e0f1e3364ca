// Figures as the analyst reads them: money by exponent, rates, shares, durations, ages.
import { describe, expect, it } from 'vitest';
import { currencyExponent, formatAmount, formatMoney, formatMoneyHeadline } from './money';
import { formatContribution, formatCount, formatDuration, formatRate, formatShare } from './number';
import { formatAbsolute, formatAge, formatClock } from './time';

describe('money', () => {
  it.each([
    [123456, 'USD', '1,234.56 USD'],
    [5, 'EUR', '0.05 EUR'],
    [0, 'GBP', '0.00 GBP'],
    [1234567, 'JPY', '1,234,567 JPY'],
    [1234567, 'KWD', '1,234.567 KWD'],
    [7, 'BHD', '0.007 BHD'],
    [12345, 'CLF', '1.2345 CLF'],
    [-2050, 'USD', '−20.50 USD'],
    [9007199254740991, 'USD', '90,071,992,547,409.91 USD'],
    [100, 'usd', '1.00 USD'],
    [100, 'ZZZ', '1.00 ZZZ'],
  ])('writes %i minor units of %s as %s', (minor, currency, expected) => {
    expect(formatMoney(minor, currency)).toBe(expected);
  });

  it('knows the exponent of a currency in any case and assumes two for an unknown one', () => {
    expect([currencyExponent('jpy'), currencyExponent('TND'), currencyExponent('XXX')]).toEqual([0, 3, 2]);
    expect(formatAmount(99, 'KRW')).toBe('99');
  });

  it('shortens headline amounts only from ten million on', () => {
    expect(formatMoneyHeadline(999_999_949, 'USD')).toBe('9,999,999');
    expect(formatMoneyHeadline(1_234_567_890, 'USD')).toBe('12.3 M');
    expect(formatMoneyHeadline(1_234_567_890_123, 'USD')).toBe('12.3 B');
    expect(formatMoneyHeadline(0, 'USD')).toBe('0');
  });
});

describe('numbers', () => {
  it('groups counts and keeps a decimal on small rates', () => {
    expect(formatCount(1234567)).toBe('1,234,567');
    expect([formatRate(0), formatRate(0.75), formatRate(9.95), formatRate(1234.4)]).toEqual([
      '0',
      '0.8',
      '9.9',
      '1,234',
    ]);
  });

  it('never shows a share that happened as zero, nor a missing one as all', () => {
    expect(formatShare(1, 100_000)).toBe('<0.1 %');
    expect(formatShare(99_999, 100_000)).toBe('>99.9 %');
    expect(formatShare(0, 100)).toBe('0.0 %');
    expect(formatShare(100, 100)).toBe('100.0 %');
    expect(formatShare(0, 0)).toBe('–');
  });

  it('picks the unit that keeps a duration short', () => {
    expect([8.25, 84, 999.7, 1234, 2_500_000].map(formatDuration)).toEqual([
      '8.3 µs',
      '84 µs',
      '1,000 µs',
      '1.2 ms',
      '2.5 s',
    ]);
  });

  it('always signs a contribution', () => {
    expect([1.254, -0.3, 0].map(formatContribution)).toEqual(['+1.25', '−0.30', '+0.00']);
  });
});

describe('time', () => {
  it.each([
    [-500, 'now'],
    [999, 'now'],
    [1000, '1 s'],
    [59_999, '59 s'],
    [60_000, '1 min'],
    [3_599_999, '59 min'],
    [3_600_000, '1 h'],
    [86_400_000, '1 d'],
    [864_000_000, '10 d'],
  ])('says %i ms as %s', (age, expected) => {
    expect(formatAge(age)).toBe(expected);
  });

  it('writes the absolute time in ISO order with its zone, and admits an unreadable one', () => {
    expect(formatAbsolute(Date.parse('2025-03-01T14:05:09Z'))).toMatch(/^2025-0[23]-\d\d \d\d:\d\d:09 \S+$/);
    expect(formatAbsolute(Number.NaN)).toBe('unknown time');
    expect(formatClock(Number.NaN)).toBe('–');
  });
});
