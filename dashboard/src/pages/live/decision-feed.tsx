// The newest decisions, one row each. The whole row opens the detail; the event id is its button for the keyboard.
import { memo } from 'react';
import type { FeedDecision } from '../../api/wire';
import { TierBadge } from '../../components/tier-badge';
import { VerdictBadge } from '../../components/verdict-badge';
import { formatMoney } from '../../format/money';
import { formatAbsolute, formatClock, zoneName } from '../../format/time';
import { drawnRows } from '../../live/feed';
import { ListHead } from './list-head';
import type { LiveList } from './use-live-feeds';

interface DecisionRowProps {
  row: FeedDecision;
  onOpen: (decisionId: string) => void;
}

const DecisionRow = memo(function DecisionRow({ row, onOpen }: DecisionRowProps) {
  const decidedAt = Date.parse(row.decided_at);
  const reason = row.reasons[0]?.text;
  return (
    <tr className="decision-row">
      <td className="mono muted" title={formatAbsolute(decidedAt)}>
        {formatClock(decidedAt)}
      </td>
      <td className="clip">
        <button
          type="button"
          className="row-open mono"
          data-decision={row.decision_id}
          title={row.event_id}
          onClick={() => onOpen(row.decision_id)}
        >
          {row.event_id}
        </button>
      </td>
      <td className="mono clip" title={row.account_id}>
        {row.account_id}
      </td>
      <td className="mono numeric">{formatMoney(row.amount_minor, row.currency)}</td>
      <td className="mono clip" title={row.merchant_id ?? undefined}>
        {row.merchant_id ?? '–'}
      </td>
      <td>
        <VerdictBadge decision={row.decision} />
      </td>
      <td>
        <TierBadge tier={row.tier} />
      </td>
      <td className="mono numeric">{row.score}</td>
      <td className="clip reason" title={reason}>
        {reason ?? <span className="muted">–</span>}
      </td>
    </tr>
  );
});

interface DecisionFeedProps {
  list: LiveList<FeedDecision>;
  loading: boolean;
  onOpen: (decisionId: string) => void;
}

/** Pixels a row takes, at least. */
const ROW_HEIGHT = 28;
const SKELETON_ROWS = [1, 2, 3, 4, 5, 6, 7, 8];

export function DecisionFeed({ list, loading, onOpen }: DecisionFeedProps) {
  const { feed, hold, showWaiting } = list;
  return (
    <section className="panel list decision-list" aria-labelledby="decisions-title" {...hold.region}>
      <ListHead
        id="decisions-title"
        title="Decisions"
        note={`newest first, times in ${zoneName()}`}
        held={feed.held}
        waitingCount={feed.waitingCount}
        onShow={showWaiting}
      />
      <div className="list-scroll" ref={hold.scroller} onScroll={hold.onScroll}>
        {loading ? (
          <div aria-hidden="true" className="list-skeleton">
            {SKELETON_ROWS.map((row) => (
              <span key={row} className="skeleton bar-row" />
            ))}
          </div>
        ) : feed.rows.length === 0 ? (
          <div className="panel-empty">
            <p>Waiting for the next decision</p>
            <p className="caption">Decisions appear here as they are made.</p>
          </div>
        ) : (
          <table className="decisions">
            <thead>
              <tr>
                <th scope="col" className="col-time">
                  Time
                </th>
                <th scope="col" className="col-event">
                  Event
                </th>
                <th scope="col" className="col-account">
                  Account
                </th>
                <th scope="col" className="col-amount numeric">
                  Amount
                </th>
                <th scope="col" className="col-merchant">
                  Merchant
                </th>
                <th scope="col" className="col-verdict">
                  Verdict
                </th>
                <th scope="col" className="col-tier">
                  Tier
                </th>
                <th scope="col" className="col-score numeric">
                  Score
                </th>
                <th scope="col">Top reason</th>
              </tr>
            </thead>
            <tbody>
              {drawnRows(feed, hold.height, ROW_HEIGHT).map((row) => (
                <DecisionRow key={row.decision_id} row={row} onOpen={onOpen} />
              ))}
            </tbody>
          </table>
        )}
      </div>
    </section>
  );
}
