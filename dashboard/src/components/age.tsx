// How long ago something happened, with the absolute time on hover.
import { formatAbsolute, formatAge } from '../format/time';

export function Age({ at, now }: { at: string; now: number }) {
  const instant = Date.parse(at);
  return (
    <time className="mono" dateTime={at} title={formatAbsolute(instant)}>
      {Number.isFinite(instant) ? formatAge(now - instant) : '–'}
    </time>
  );
}
