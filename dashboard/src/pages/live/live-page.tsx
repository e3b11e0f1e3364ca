// The Live page: figures, charts, alerts and decisions as they happen. It fetches; its parts only show.
import { useQuery } from '@tanstack/react-query';
import { Keyboard, Pause, Play, TriangleAlert } from 'lucide-react';
import { useCallback, useRef, useState } from 'react';
import { decisionKey, readDecision } from '../../api/client';
import type { Alert, Statistics } from '../../api/wire';
import { ProblemPanel } from '../../components/problem-panel';
import { Sheet } from '../../components/sheet';
import { formatAge } from '../../format/time';
import { useShortcuts } from '../../keyboard/use-shortcuts';
import { useLive } from '../../live/live-context';
import { useNow } from '../../live/use-now';
import { useStatistics } from '../../live/use-statistics';
import { AlertFeed } from './alert-feed';
import { Charts, ChartsSkeleton } from './charts';
import { DecisionDetailSkeleton, DecisionDetailView } from './decision-detail';
import { DecisionFeed } from './decision-feed';
import { KpiRow, KpiRowSkeleton } from './kpi-row';
import { NoTransactions } from './no-transactions';
import { ShortcutsSheet } from './shortcuts-sheet';
import { useAnnouncements } from './use-announcements';
import { useHistory } from './use-history';
import { useAlertFeed, useDecisionFeed } from './use-live-feeds';
import { neighbour, useFocusOnSelection, useOpenDecision, useSelection } from './use-selection';

const STALE_MS = 10_000;

/** The figures as they were when the analyst paused, else as they are. */
function useFrozen(statistics: Statistics | undefined, paused: boolean): Statistics | undefined {
  const frozen = useRef<Statistics | undefined>(undefined);
  if (!paused) frozen.current = statistics;
  return paused ? (frozen.current ?? statistics) : statistics;
}

function StaleStrip({ ageMs, connected }: { ageMs: number; connected: boolean }) {
  if (ageMs <= STALE_MS && connected) return null;
  return (
    <div className="strip" role="status">
      <TriangleAlert size={16} aria-hidden="true" className="tone-amber" />
      <p>
        {ageMs > STALE_MS
          ? `These figures are ${formatAge(ageMs)} old. `
          : 'The live connection is lost; the lists stand still. '}
        {connected ? 'Waiting for the server.' : 'Reconnecting by itself.'}
      </p>
    </div>
  );
}

function DecisionSheet({ decisionId, onClose }: { decisionId: string; onClose: () => void }) {
  const decision = useQuery({
    queryKey: decisionKey(decisionId),
    queryFn: ({ signal }) => readDecision(decisionId, signal),
    staleTime: Number.POSITIVE_INFINITY,
  });
  const title = decision.data?.followed_by.alert_id ? 'Alert' : 'Decision';
  return (
    <Sheet title={title} side onClose={onClose}>
      {decision.data ? (
        <DecisionDetailView decision={decision.data} />
      ) : decision.isError ? (
        <div className="detail">
          <ProblemPanel error={decision.error} onRetry={() => void decision.refetch()} />
        </div>
      ) : (
        <DecisionDetailSkeleton />
      )}
    </Sheet>
  );
}

export function LivePage() {
  const { link, pausedAtMs, togglePause } = useLive();
  const paused = pausedAtMs !== null;
  const now = useNow();
  const [openedAtMs] = useState(() => Date.now());
  const statistics = useStatistics();
  const shown = useFrozen(statistics.data, paused);
  const history = useHistory(statistics.data, statistics.dataUpdatedAt, paused);
  const [openId, setOpenId] = useOpenDecision();
  const selection = useSelection();
  const { selectedId, byKeyboard, select } = selection;
  const [help, setHelp] = useState(false);
  const stopped = paused || openId !== null;
  const alerts = useAlertFeed(stopped || byKeyboard);
  const decisions = useDecisionFeed(stopped);
  const announcement = useAnnouncements();
  useFocusOnSelection(selection, alerts.feed.held && openId === null);

  const open = useCallback(
    (alert: Alert) => {
      select(alert.alert_id, byKeyboard);
      setOpenId(alert.decision_id);
    },
    [select, byKeyboard, setOpenId],
  );
  const close = () => {
    setOpenId(null);
    if (!byKeyboard) select(null, false);
  };
  const step = (by: 1 | -1) => {
    const to = neighbour(alerts.feed.rows, selectedId, by);
    if (help || to === undefined) return;
    select(to.alert_id, true);
    if (openId !== null) setOpenId(to.decision_id);
  };
  useShortcuts({
    ' ': (event) => {
      event.preventDefault();
      if (!help) togglePause();
    },
    j: () => step(1),
    k: () => step(-1),
    Enter: (event) => {
      const selected = alerts.feed.rows.find((row) => row.alert_id === selectedId);
      if (!selected || openId !== null || help) return;
      // Else the same key press would land on the sheet's own close button.
      event.preventDefault();
      open(selected);
    },
    '?': () => setHelp(!help),
    Escape: () => {
      if (openId !== null || help) return;
      select(null, false);
      if (document.activeElement instanceof HTMLElement) document.activeElement.blur();
    },
  });

  const loading = statistics.isPending;
  const empty =
    shown?.transactions === 0 && alerts.feed.rows.length === 0 && decisions.feed.rows.length === 0;
  const ageMs = statistics.data ? now - statistics.dataUpdatedAt : 0;
  return (
    <div className="live-page">
      <div className="page-head">
        <h1>Live</h1>
        <span className="grow" />
        <button type="button" className="button" aria-pressed={paused} title="space" onClick={togglePause}>
          {paused ? <Play size={14} aria-hidden="true" /> : <Pause size={14} aria-hidden="true" />}
          {paused ? 'Resume' : 'Pause'}
        </button>
        <button
          type="button"
          className="icon-button"
          aria-label="Keyboard shortcuts"
          title="Keyboard shortcuts (?)"
          onClick={() => setHelp(true)}
        >
          <Keyboard size={16} aria-hidden="true" />
        </button>
      </div>
      {shown && !paused ? <StaleStrip ageMs={ageMs} connected={link !== 'reconnecting'} /> : null}
      {statistics.isError && !shown ? (
        <ProblemPanel error={statistics.error} onRetry={() => void statistics.refetch()} />
      ) : empty ? (
        <NoTransactions />
      ) : (
        <>
          {loading ? <p className="hidden-text">Loading</p> : null}
          {shown ? <KpiRow statistics={shown} /> : <KpiRowSkeleton />}
          {shown ? <Charts points={history.points} startMs={openedAtMs} /> : <ChartsSkeleton />}
          <div className="lists">
            {alerts.first.isError && alerts.feed.rows.length === 0 ? (
              <ProblemPanel error={alerts.first.error} onRetry={() => void alerts.first.refetch()} />
            ) : (
              <AlertFeed
                list={alerts}
                loading={loading || alerts.first.isPending}
                selectedId={selectedId}
                now={pausedAtMs ?? now}
                onOpen={open}
              />
            )}
            <DecisionFeed list={decisions} loading={loading} onOpen={setOpenId} />
          </div>
        </>
      )}
      <p className="hidden-text" aria-live="polite">
        {announcement}
      </p>
      {openId !== null ? <DecisionSheet decisionId={openId} onClose={close} /> : null}
      {help ? <ShortcutsSheet onClose={() => setHelp(false)} /> : null}
    </div>
  );
}
