// Instants and ages. Screens show local time and name the zone; the absolute instant is always one hover away.

/** "now", "4 s", "12 min", "3 h", "5 d". */
export function formatAge(milliseconds: number): string {
  const seconds = Math.floor(Math.max(0, milliseconds) / 1000);
  if (seconds < 1) return 'now';
  if (seconds < 60) return `${seconds} s`;
  if (seconds < 3600) return `${Math.floor(seconds / 60)} min`;
  if (seconds < 86_400) return `${Math.floor(seconds / 3600)} h`;
  return `${Math.floor(seconds / 86_400)} d`;
}

const clock = new Intl.DateTimeFormat('en-GB', {
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hour12: false,
});
// Swedish writes a date the way ISO 8601 does: 2025-03-01 14:05:09 UTC.
const absolute = new Intl.DateTimeFormat('sv-SE', {
  year: 'numeric',
  month: '2-digit',
  day: '2-digit',
  hour: '2-digit',
  minute: '2-digit',
  second: '2-digit',
  hour12: false,
  timeZoneName: 'short',
});

export function formatClock(instantMs: number): string {
  return Number.isFinite(instantMs) ? clock.format(instantMs) : '–';
}

export function formatAbsolute(instantMs: number): string {
  return Number.isFinite(instantMs) ? absolute.format(instantMs) : 'unknown time';
}

/** The zone the screen is in, for column heads: "UTC", "CET", "GMT+2". */
export function zoneName(): string {
  const part = absolute.formatToParts(Date.now()).find((piece) => piece.type === 'timeZoneName');
  return part?.value ?? 'local';
}
