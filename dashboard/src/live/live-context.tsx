// Gives every page the live connection, its state, and the one Pause. Statistics that arrive go into the query cache,
// where the pages already read them; nothing of the server is kept here.
import { useQueryClient } from '@tanstack/react-query';
import {
  createContext,
  type ReactNode,
  use,
  useCallback,
  useEffect,
  useMemo,
  useState,
  useSyncExternalStore,
} from 'react';
import { alertsKey, statisticsKey } from '../api/client';
import { browserSurroundings, type Link, LiveStream } from './stream';

export interface Live {
  stream: LiveStream;
  link: Link;
  /** When the analyst paused, or null while live. */
  pausedAtMs: number | null;
  togglePause: () => void;
}

const LiveContext = createContext<Live | null>(null);

export function LiveProvider({ children }: { children: ReactNode }) {
  const queries = useQueryClient();
  const [stream] = useState(() => new LiveStream(browserSurroundings()));
  const link = useSyncExternalStore(stream.listenLink, () => stream.link);
  const [pausedAtMs, setPausedAtMs] = useState<number | null>(null);
  const togglePause = useCallback(() => setPausedAtMs((at) => (at === null ? Date.now() : null)), []);

  useEffect(() => {
    const silence = stream.listen((event) => {
      if (event.kind === 'statistics') {
        queries.setQueryData(statisticsKey, event.data);
      } else if (event.kind === 'reconnected') {
        void queries.invalidateQueries({ queryKey: statisticsKey });
        void queries.invalidateQueries({ queryKey: alertsKey });
      } else if (event.kind === 'gap' && event.topic === 'alerts') {
        void queries.invalidateQueries({ queryKey: alertsKey });
      }
    });
    const online = () => stream.retryNow();
    window.addEventListener('online', online);
    stream.start();
    return () => {
      window.removeEventListener('online', online);
      silence();
      stream.stop();
    };
  }, [stream, queries]);

  const live = useMemo(
    () => ({ stream, link, pausedAtMs, togglePause }),
    [stream, link, pausedAtMs, togglePause],
  );
  return <LiveContext value={live}>{children}</LiveContext>;
}

export function useLive(): Live {
  const live = use(LiveContext);
  if (live === null) throw new Error('useLive needs a LiveProvider above it');
  return live;
}
