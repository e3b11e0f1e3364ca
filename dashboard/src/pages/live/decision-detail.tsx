// Everything recorded about one decision, in the order an analyst asks: what, why, by which rules, on what data,
// made by which versions, stored where.
import { TriangleAlert, UserRoundCheck } from 'lucide-react';
import type { ReactNode } from 'react';
import type { DecisionDetail, Reason, RuleTrace } from '../../api/wire';
import { CopyButton } from '../../components/copy-button';
import { TierBadge } from '../../components/tier-badge';
import { VerdictBadge } from '../../components/verdict-badge';
import { formatMoney } from '../../format/money';
import { formatContribution, formatDuration } from '../../format/number';
import { formatAbsolute } from '../../format/time';
import { type Field, fieldsOf } from './detail-values';

function Part({ title, children }: { title: string; children: ReactNode }) {
  return (
    <section className="part">
      <h3>{title}</h3>
      {children}
    </section>
  );
}

function Reasons({ reasons }: { reasons: readonly Reason[] }) {
  if (reasons.length === 0) return <p className="muted">None recorded for this decision.</p>;
  const widest = Math.max(...reasons.map((reason) => Math.abs(reason.contribution)), 1e-9);
  return (
    <ol className="reasons">
      {reasons.map((reason, place) => {
        const length = (Math.abs(reason.contribution) / widest) * 50;
        const raises = reason.contribution >= 0;
        return (
          // biome-ignore lint/suspicious/noArrayIndexKey: a code may be listed twice, and the order never changes.
          <li key={`${reason.code}-${place}`}>
            <span className="reason-text">
              {reason.text}
              <code className="muted"> {reason.code}</code>
            </span>
            <svg
              viewBox="0 0 100 8"
              preserveAspectRatio="none"
              className={raises ? 'tone-critical' : 'tone-low'}
              aria-hidden="true"
            >
              <rect x={raises ? 50 : 50 - length} y="1" width={length} height="6" fill="currentColor" />
              <path d="M50 0v8" className="axis" vectorEffect="non-scaling-stroke" />
            </svg>
            <span
              className="mono numeric"
              title={raises ? 'raises the risk (log-odds)' : 'lowers the risk (log-odds)'}
            >
              {formatContribution(reason.contribution)}
            </span>
          </li>
        );
      })}
    </ol>
  );
}

function Rules({ rules }: { rules: readonly RuleTrace[] }) {
  const told = rules.filter((rule) => rule.outcome !== 'no_hit');
  if (told.length === 0) {
    return (
      <p className="muted">{rules.length > 0 ? `None of ${rules.length} rules hit.` : 'No rule hit.'}</p>
    );
  }
  return (
    <ul className="rules">
      {told.map((rule) => (
        <li key={rule.rule_id}>
          <p>
            <code>{rule.rule_id}</code> <span className="caption">v{rule.version}</span>{' '}
            <span className="tag">{rule.outcome.replaceAll('_', ' ')}</span>
          </p>
          <Fields fields={fieldsOf(rule.evidence)} />
        </li>
      ))}
    </ul>
  );
}

function Fields({ fields }: { fields: readonly Field[] }) {
  if (fields.length === 0) return null;
  return (
    <dl className="fields">
      {fields.map((field) => (
        <div key={field.name}>
          <dt>{field.name}</dt>
          <dd className="mono">{field.text}</dd>
        </div>
      ))}
    </dl>
  );
}

function Identifier({ name, value }: { name: string; value: string }) {
  return (
    <div>
      <dt>{name}</dt>
      <dd className="mono identifier">
        <span>{value}</span>
        <CopyButton text={value} what={name} />
      </dd>
    </div>
  );
}

function Degraded({ flags }: { flags: DecisionDetail['degraded'] }) {
  if (flags.length === 0) return null;
  return (
    <div className="strip">
      <TriangleAlert size={16} aria-hidden="true" className="tone-amber" />
      <p>
        Decided with parts missing:{' '}
        {flags.map((flag, place) => (
          <span key={flag.what}>
            {place > 0 ? ', ' : ''}
            <code>{flag.what}</code> ({flag.policy.replaceAll('_', ' ')})
          </span>
        ))}
      </p>
    </div>
  );
}

// Above all else: what the engine said is not what holds any more.
function Overridden({ order }: { order: DecisionDetail['overridden_by'] }) {
  if (order === undefined) return null;
  return (
    <div className="strip">
      <UserRoundCheck size={16} aria-hidden="true" className="tone-amber" />
      <p>
        Overridden: <VerdictBadge decision={order.verdict} /> by <strong>{order.by}</strong>,{' '}
        <time dateTime={order.at}>{formatAbsolute(Date.parse(order.at))}</time>
        {order.reason === '' ? null : `: ${order.reason}`}
      </p>
    </div>
  );
}

function Summary({ decision }: { decision: DecisionDetail }) {
  const { amount_minor: minor, currency, account_id: account, merchant_id: merchant } = decision.transaction;
  const known = typeof minor === 'number' && typeof currency === 'string';
  return (
    <div className="summary">
      <p className="summary-amount">{known ? formatMoney(minor, currency) : decision.event_id}</p>
      <p className="summary-line">
        <TierBadge tier={decision.tier} />
        <VerdictBadge decision={decision.decision} />
        <span>
          Score <span className="mono">{decision.score}</span>
        </span>
        {decision.probability !== null && decision.probability !== undefined ? (
          <span className="muted">
            Probability <span className="mono">{(decision.probability * 100).toFixed(1)} %</span>
          </span>
        ) : null}
        {decision.confidence !== null && decision.confidence !== undefined ? (
          <span
            className="muted"
            title="Whether the models agree, and how many payments like it they were checked on"
          >
            Confidence <span className="mono">{(decision.confidence * 100).toFixed(0)} %</span>
          </span>
        ) : null}
      </p>
      <p className="muted">
        <span className="mono">{typeof account === 'string' ? account : 'unknown account'}</span>
        {typeof merchant === 'string' ? (
          <>
            {' at '}
            <span className="mono">{merchant}</span>
          </>
        ) : null}
      </p>
    </div>
  );
}

export function DecisionDetailView({ decision }: { decision: DecisionDetail }) {
  const { log_position: position, followed_by: followed } = decision;
  return (
    <div className="detail">
      <Overridden order={decision.overridden_by} />
      <Degraded flags={decision.degraded} />
      <Summary decision={decision} />
      <Part title="Reasons, with their part in the log-odds">
        <Reasons reasons={decision.reasons} />
      </Part>
      <Part title="Rules">
        <Rules rules={decision.rules} />
      </Part>
      <Part title="Identifiers">
        <dl className="fields">
          <Identifier name="Decision id" value={decision.decision_id} />
          <Identifier name="Event id" value={decision.event_id} />
          {followed.alert_id ? <Identifier name="Alert id" value={followed.alert_id} /> : null}
          {followed.case_id ? <Identifier name="Case id" value={followed.case_id} /> : null}
          <Identifier
            name="Log position"
            value={`${position.log}/${position.partition}/${position.offset}`}
          />
        </dl>
      </Part>
      <Part title="Transaction">
        <Fields fields={fieldsOf(decision.transaction)} />
      </Part>
      <Part title="Models and versions">
        <Fields
          fields={[
            ...decision.models.map((model) => ({
              name: `${model.role} ${model.model_id}`,
              text: `v${model.version}, score ${model.score}`,
            })),
            ...fieldsOf(decision.versions),
            { name: 'decided in', text: formatDuration(decision.latency_us) },
          ]}
        />
      </Part>
    </div>
  );
}

export function DecisionDetailSkeleton() {
  return (
    <div className="detail" aria-hidden="true">
      <span className="skeleton bar-figure" />
      <span className="skeleton bar-row" />
      <span className="skeleton bar-row" />
      <span className="skeleton bar-block tall" />
      <span className="skeleton bar-block tall" />
    </div>
  );
}
