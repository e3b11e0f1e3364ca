// The points behind the charts, collected while the page is open. Charts stand still while paused; the collecting
// goes on, so nothing is missing afterwards.
import { useEffect, useRef, useState } from 'react';
import type { Statistics } from '../../api/wire';
import { emptyHistory, type History, withStatistics } from '../../live/history';

export function useHistory(
  statistics: Statistics | undefined,
  updatedAtMs: number,
  paused: boolean,
): History {
  const collected = useRef<History>(emptyHistory);
  const [shown, setShown] = useState<History>(emptyHistory);
  useEffect(() => {
    if (statistics === undefined) return;
    collected.current = withStatistics(collected.current, statistics, updatedAtMs);
    if (!paused) setShown(collected.current);
  }, [statistics, updatedAtMs, paused]);
  return shown;
}
