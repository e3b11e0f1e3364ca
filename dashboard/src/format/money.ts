// Money leaves the server as integer minor units; this writes it out without ever going through a fraction.

/** ISO 4217 currencies whose minor unit is not a hundredth. */
const EXPONENTS: Record<string, number> = {
  BIF: 0,
  CLP: 0,
  DJF: 0,
  GNF: 0,
  ISK: 0,
  JPY: 0,
  KMF: 0,
  KRW: 0,
  PYG: 0,
  RWF: 0,
  UGX: 0,
  UYI: 0,
  VND: 0,
  VUV: 0,
  XAF: 0,
  XOF: 0,
  XPF: 0,
  BHD: 3,
  IQD: 3,
  JOD: 3,
  KWD: 3,
  LYD: 3,
  OMR: 3,
  TND: 3,
  CLF: 4,
  UYW: 4,
};

export function currencyExponent(currency: string): number {
  return EXPONENTS[currency.toUpperCase()] ?? 2;
}

function grouped(digits: string): string {
  return digits.replace(/\B(?=(\d{3})+(?!\d))/g, ',');
}

/** The figure alone, for columns that show the currency separately: 123456 USD -> "1,234.56". */
export function formatAmount(minor: number, currency: string): string {
  const exponent = currencyExponent(currency);
  const sign = minor < 0 ? '−' : '';
  const digits = BigInt(Math.trunc(Math.abs(minor)))
    .toString()
    .padStart(exponent + 1, '0');
  const whole = grouped(digits.slice(0, digits.length - exponent));
  return exponent === 0 ? `${sign}${whole}` : `${sign}${whole}.${digits.slice(-exponent)}`;
}

/** 123456 USD -> "1,234.56 USD". */
export function formatMoney(minor: number, currency: string): string {
  return `${formatAmount(minor, currency)} ${currency.toUpperCase()}`;
}

/** For headline figures: whole units, and from ten million on in millions: "12.3 M". */
export function formatMoneyHeadline(minor: number, currency: string): string {
  const units = minor / 10 ** currencyExponent(currency);
  const size = Math.abs(units);
  if (size >= 1e10) return `${(units / 1e9).toFixed(1)} B`;
  if (size >= 1e7) return `${(units / 1e6).toFixed(1)} M`;
  return grouped(Math.round(size).toString()).replace(/^/, units < 0 && size >= 0.5 ? '−' : '');
}
