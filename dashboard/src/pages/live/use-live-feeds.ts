// The two live lists of the page: alerts (a first page from the API, then the stream) and decisions (stream only).
import { useQuery } from '@tanstack/react-query';
import { useEffect, useReducer } from 'react';
import { alertsKey, readAlerts } from '../../api/client';
import type { Alert, FeedDecision } from '../../api/wire';
import { emptyFeed, type FeedState, feedReducer } from '../../live/feed';
import { useLive } from '../../live/live-context';
import { useHeldList } from '../../live/use-held-list';

const ALERTS_FIRST_PAGE = 100;

const reduceAlerts = feedReducer<Alert>({ id: (row) => row.alert_id, at: (row) => row.raised_at });
const reduceDecisions = feedReducer<FeedDecision>({
  id: (row) => row.decision_id,
  at: (row) => row.decided_at,
});

export interface LiveList<Row> {
  feed: FeedState<Row>;
  hold: ReturnType<typeof useHeldList>;
  showWaiting: () => void;
}

export function useDecisionFeed(stopped: boolean): LiveList<FeedDecision> {
  const { stream } = useLive();
  const [feed, dispatch] = useReducer(reduceDecisions, undefined, emptyFeed<FeedDecision>);
  const hold = useHeldList(stopped);
  useEffect(() => dispatch({ type: hold.held ? 'hold' : 'release' }), [hold.held]);
  useEffect(
    () =>
      stream.listen((event) => {
        if (event.kind === 'decisions')
          dispatch({ type: 'arrived', items: event.items, skipped: event.skipped });
      }),
    [stream],
  );
  const showWaiting = () => {
    hold.toTop();
    dispatch({ type: 'show' });
  };
  return { feed, hold, showWaiting };
}

export function useAlertFeed(stopped: boolean) {
  const { stream } = useLive();
  const [feed, dispatch] = useReducer(reduceAlerts, undefined, emptyFeed<Alert>);
  const hold = useHeldList(stopped);
  const first = useQuery({
    queryKey: alertsKey,
    queryFn: ({ signal }) => readAlerts(ALERTS_FIRST_PAGE, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
  useEffect(() => dispatch({ type: hold.held ? 'hold' : 'release' }), [hold.held]);
  useEffect(() => {
    if (first.data) dispatch({ type: 'loaded', items: first.data.items });
  }, [first.data]);
  useEffect(
    () =>
      stream.listen((event) => {
        if (event.kind === 'alerts') dispatch({ type: 'arrived', items: event.items });
      }),
    [stream],
  );
  const showWaiting = () => {
    hold.toTop();
    dispatch({ type: 'show' });
  };
  return { feed, hold, showWaiting, first };
}
