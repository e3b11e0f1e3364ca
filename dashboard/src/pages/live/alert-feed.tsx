// The newest alerts, two lines each: what and how bad, then who and why. A click or Enter opens the detail.
import clsx from 'clsx';
import { memo } from 'react';
import type { Alert } from '../../api/wire';
import { Age } from '../../components/age';
import { TierBadge } from '../../components/tier-badge';
import { VerdictBadge } from '../../components/verdict-badge';
import { formatMoney } from '../../format/money';
import { drawnRows } from '../../live/feed';
import { ListHead } from './list-head';
import type { LiveList } from './use-live-feeds';

interface AlertRowProps {
  alert: Alert;
  selected: boolean;
  now: number;
  onOpen: (alert: Alert) => void;
}

const AlertRow = memo(function AlertRow({ alert, selected, now, onOpen }: AlertRowProps) {
  return (
    <li>
      <button
        type="button"
        className={clsx('alert-row', selected && 'selected')}
        data-alert={alert.alert_id}
        aria-current={selected ? 'true' : undefined}
        onClick={() => onOpen(alert)}
      >
        <span className="alert-line">
          <TierBadge tier={alert.tier} />
          <span className="mono muted" title="Score, 0 to 1000">
            {alert.score}
          </span>
          <VerdictBadge decision={alert.decision} />
          <span className="grow" />
          <span className="mono">{formatMoney(alert.amount_minor, alert.currency)}</span>
        </span>
        <span className="alert-line second">
          <span className="alert-why clip" title={alert.reasons[0]?.text}>
            {alert.reasons[0]?.text ?? 'No reason recorded'}
            {alert.reasons.length > 1 ? <span className="muted"> +{alert.reasons.length - 1}</span> : null}
          </span>
          <span className="grow" />
          <span className="alert-who muted mono clip" title={alert.account_id}>
            {alert.account_id}
          </span>
          <span className="alert-age muted numeric">
            <Age at={alert.raised_at} now={now} />
          </span>
        </span>
      </button>
    </li>
  );
});

interface AlertFeedProps {
  list: LiveList<Alert>;
  loading: boolean;
  selectedId: string | null;
  now: number;
  onOpen: (alert: Alert) => void;
}

/** Pixels a row takes, at least. */
const ALERT_HEIGHT = 54;
const SKELETON_ROWS = [1, 2, 3, 4, 5, 6];

export function AlertFeed({ list, loading, selectedId, now, onOpen }: AlertFeedProps) {
  const { feed, hold, showWaiting } = list;
  return (
    <section className="panel list alert-list" aria-labelledby="alerts-title" {...hold.region}>
      <ListHead
        id="alerts-title"
        title="Alerts"
        note="newest first"
        held={feed.held}
        waitingCount={feed.waitingCount}
        onShow={showWaiting}
      />
      <div className="list-scroll" ref={hold.scroller} onScroll={hold.onScroll}>
        {loading ? (
          <div aria-hidden="true" className="list-skeleton">
            {SKELETON_ROWS.map((row) => (
              <span key={row} className="skeleton bar-alert" />
            ))}
          </div>
        ) : feed.rows.length === 0 ? (
          <div className="panel-empty">
            <p>No alerts yet</p>
            <p className="caption">A transaction that scores low risk or above raises one.</p>
          </div>
        ) : (
          <ul>
            {drawnRows(feed, hold.height, ALERT_HEIGHT).map((alert) => (
              <AlertRow
                key={alert.alert_id}
                alert={alert}
                selected={alert.alert_id === selectedId}
                now={now}
                onOpen={onOpen}
              />
            ))}
          </ul>
        )}
      </div>
    </section>
  );
}
