// The headline figures. Each card: a caption, one figure, one line that puts it in context.
import { memo, type ReactNode } from 'react';
import type { Statistics } from '../../api/wire';
import { VerdictIcon } from '../../components/verdict-badge';
import { formatMoney, formatMoneyHeadline } from '../../format/money';
import { durationOf, formatCount, formatRate, formatShare } from '../../format/number';
import { VERDICTS, verdictLook } from '../../risk/tiers';

function Card({ caption, name, children }: { caption: string; name: string; children: ReactNode }) {
  return (
    <li className={`panel kpi kpi-${name}`}>
      <p className="caption clip">{caption}</p>
      {children}
    </li>
  );
}

function Figure({ value, unit, name }: { value: string; unit?: string; name: string }) {
  return (
    <p className="figure" data-kpi={name}>
      {value}
      {unit ? <span className="unit"> {unit}</span> : null}
    </p>
  );
}

function VerdictShares({ statistics }: { statistics: Statistics }) {
  const { decisions } = statistics;
  const all = VERDICTS.reduce((sum, verdict) => sum + decisions[verdict], 0);
  return (
    <dl className="shares">
      {VERDICTS.map((verdict) => {
        const look = verdictLook(verdict);
        return (
          <div key={verdict}>
            <dt className="caption">
              <span className={`badge tone-${look.tone}`}>
                <VerdictIcon decision={verdict} />
              </span>
              {look.word}
            </dt>
            <dd className="share mono" title={`${formatCount(decisions[verdict])} transactions`}>
              {formatShare(decisions[verdict], all).replace(' %', '')}
              <span className="unit"> %</span>
            </dd>
          </div>
        );
      })}
    </dl>
  );
}

export const KpiRow = memo(function KpiRow({ statistics }: { statistics: Statistics }) {
  const { latency_us: latency } = statistics;
  const p50 = durationOf(latency.p50);
  const p99 = durationOf(latency.p99);
  const p999 = durationOf(latency.p999);
  const minor = statistics.declined_amount_minor;
  const currency = statistics.reference_currency;
  return (
    <ul className="kpis" aria-label="Headline figures">
      <Card caption="Transactions / s" name="rate">
        <Figure value={formatRate(statistics.transactions_per_second)} name="rate" />
        <p className="caption">
          <span className="mono" data-kpi="transactions">
            {formatCount(statistics.transactions)}
          </span>{' '}
          since start
        </p>
      </Card>
      <Card caption="Decision time, in process" name="latency">
        <p className="figure" data-kpi="latency">
          {p50.figure}
          <span className="unit"> {p50.unit} p50</span>
          <span className="figure-gap" />
          {p99.figure}
          <span className="unit"> {p99.unit} p99</span>
        </p>
        <p className="caption">
          <span className="mono">{p999.figure}</span> {p999.unit} p99.9
        </p>
      </Card>
      <Card caption="Verdicts, share since start" name="verdicts">
        <VerdictShares statistics={statistics} />
      </Card>
      <Card caption="Open alerts" name="alerts">
        <Figure value={formatCount(statistics.alerts_open)} name="alerts-open" />
        <p className="caption">
          <span className="mono">{formatCount(statistics.alerts)}</span> raised
        </p>
      </Card>
      <Card caption="Fraud amount stopped" name="stopped">
        <p className="figure" data-kpi="stopped" title={formatMoney(minor, currency)}>
          {formatMoneyHeadline(minor, currency)}
          <span className="unit"> {currency}</span>
        </p>
        <p className="caption">
          <span className="mono">{formatCount(statistics.decisions.decline)}</span> declined
        </p>
      </Card>
      <Card caption="Rejected" name="rejected">
        <Figure value={formatCount(statistics.rejected)} name="rejected" />
        <p
          className="caption clip"
          title="Not scored: malformed (rejected), sent again (repeated), or the same id with another body (conflict)"
        >
          <span className="mono">{formatCount(statistics.repeated)}</span> repeats,{' '}
          <span className="mono">{formatCount(statistics.conflicts)}</span> conflicts
        </p>
      </Card>
    </ul>
  );
});

const SKELETONS = ['rate', 'latency', 'verdicts', 'alerts', 'stopped', 'rejected'];

export function KpiRowSkeleton() {
  return (
    <ul className="kpis" aria-hidden="true">
      {SKELETONS.map((name) => (
        <li key={name} className={`panel kpi kpi-${name}`}>
          <span className="skeleton bar-caption" />
          <span className="skeleton bar-figure" />
          <span className="skeleton bar-caption" />
        </li>
      ))}
    </ul>
  );
}
