// Counts, rates, shares, durations in microseconds and signed contributions, as the analyst reads them.

const whole = new Intl.NumberFormat('en-US', { maximumFractionDigits: 0 });

export function formatCount(value: number): string {
  return whole.format(value);
}

/** A rate per second: small ones keep a decimal. */
export function formatRate(value: number): string {
  if (value > 0 && value < 10) return value.toFixed(1);
  return whole.format(value);
}

/** A share of a whole: "97.2 %", and "<0.1 %" rather than a false zero. */
export function formatShare(part: number, all: number): string {
  if (all <= 0) return '–';
  const share = (part / all) * 100;
  if (part > 0 && share < 0.1) return '<0.1 %';
  if (part < all && share > 99.9) return '>99.9 %';
  return `${share.toFixed(1)} %`;
}

export interface Quantity {
  figure: string;
  unit: string;
}

/** A duration measured in microseconds, in the unit that keeps it short. */
export function durationOf(microseconds: number): Quantity {
  if (microseconds < 1000) {
    return { figure: microseconds < 10 ? microseconds.toFixed(1) : whole.format(microseconds), unit: 'µs' };
  }
  if (microseconds < 1_000_000) return { figure: (microseconds / 1000).toFixed(1), unit: 'ms' };
  return { figure: (microseconds / 1_000_000).toFixed(1), unit: 's' };
}

export function formatDuration(microseconds: number): string {
  const { figure, unit } = durationOf(microseconds);
  return `${figure} ${unit}`;
}

/** A signed contribution to the log-odds: "+1.25", "−0.30". */
export function formatContribution(value: number): string {
  const sign = value < 0 ? '−' : '+';
  return `${sign}${Math.abs(value).toFixed(2)}`;
}
