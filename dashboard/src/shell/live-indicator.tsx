// Live, Reconnecting or Paused, and how old the data on screen is. Shape and word, then colour.
import { CirclePause, LoaderCircle, Radio } from 'lucide-react';
import { formatAge } from '../format/time';
import { useLive } from '../live/live-context';
import { useNow } from '../live/use-now';
import { useStatistics } from '../live/use-statistics';

export function LiveIndicator() {
  const { link, pausedAtMs } = useLive();
  const { dataUpdatedAt } = useStatistics();
  const now = useNow();
  const shownAt = pausedAtMs !== null ? Math.min(pausedAtMs, dataUpdatedAt) : dataUpdatedAt;
  const age = dataUpdatedAt === 0 ? null : formatAge(now - shownAt);
  const fresh = pausedAtMs === null ? 'up to date' : 'data from just now';
  const ageText = age === null ? 'no data yet' : age === 'now' ? fresh : `data ${age} old`;
  let word = 'Live';
  let tone = 'tone-low';
  let icon = <Radio size={14} aria-hidden="true" />;
  if (pausedAtMs !== null) {
    word = 'Paused';
    tone = 'tone-amber';
    icon = <CirclePause size={14} aria-hidden="true" />;
  } else if (link !== 'live') {
    word = link === 'connecting' ? 'Connecting' : 'Reconnecting';
    tone = 'tone-amber';
    icon = <LoaderCircle size={14} aria-hidden="true" className="turning" />;
  }
  return (
    <p className="live-indicator">
      <span className={`badge ${tone}`}>
        {icon}
        <strong>{word}</strong>
      </span>
      <span className="caption">{ageText}</span>
    </p>
  );
}
