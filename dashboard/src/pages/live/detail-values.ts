// Turns the open-ended parts of a decision (evidence, transaction, versions) into text without losing anything.
import { formatMoney } from '../../format/money';
import { formatAbsolute } from '../../format/time';

const MICROSECONDS = /(_at|_time)$/;
const MINOR = /^(.*)_minor$/;

function asText(value: unknown): string {
  if (typeof value === 'string') return value;
  if (typeof value === 'number' || typeof value === 'boolean') return String(value);
  return JSON.stringify(value) ?? '–';
}

function instantOf(value: unknown): number | null {
  if (typeof value === 'number') return value / 1000;
  if (typeof value === 'string' && /^\d{4}-\d\d-\d\dT/.test(value)) return Date.parse(value);
  return null;
}

function currencyFor(field: string, fields: Record<string, unknown>): string | null {
  const currency = field.startsWith('billing_') ? fields.billing_currency : fields.currency;
  return typeof currency === 'string' ? currency : null;
}

export interface Field {
  name: string;
  text: string;
}

/** The fields that hold something, in the server's order; money and instants written out, maps flattened. */
export function fieldsOf(fields: Record<string, unknown>, prefix = ''): Field[] {
  const found: Field[] = [];
  for (const [name, value] of Object.entries(fields)) {
    if (value === null || value === undefined || value === '') continue;
    const path = prefix + name;
    if (typeof value === 'object' && !Array.isArray(value)) {
      found.push(...fieldsOf(value as Record<string, unknown>, `${path}.`));
      continue;
    }
    const instant = MICROSECONDS.test(name) ? instantOf(value) : null;
    const currency = MINOR.test(name) ? currencyFor(name, fields) : null;
    if (instant !== null && Number.isFinite(instant))
      found.push({ name: path, text: formatAbsolute(instant) });
    else if (currency !== null && typeof value === 'number')
      found.push({ name: path.replace(/_minor$/, ''), text: formatMoney(value, currency) });
    else found.push({ name: path, text: asText(value) });
  }
  return found;
}
