// The two charts of the page, side by side with one shared cursor, and the tables that say the same.
import { memo, useMemo } from 'react';
import { type Line, TimeChart } from '../../components/time-chart';
import { formatDuration, formatRate } from '../../format/number';
import { formatClock } from '../../format/time';
import { type Point, SPAN_SECONDS, type Span, spansOf } from '../../live/history';
import { VERDICTS, verdictLook } from '../../risk/tiers';

const TABLE_SECONDS = 10;
/** A page just opened shows this much, growing to the whole span, rather than a nearly empty chart. */
const FIRST_SPAN_SECONDS = 30;

const VERDICT_LINES: readonly Line[] = [
  { label: 'Approve', token: '--risk-low' },
  { label: 'Challenge', token: '--risk-medium', dash: [8, 3] },
  { label: 'Review', token: '--risk-high', dash: [3, 3] },
  { label: 'Decline', token: '--risk-critical', width: 2.25 },
];

const LATENCY_LINES: readonly Line[] = [
  { label: 'p50', token: '--accent' },
  { label: 'p99', token: '--fg', dash: [5, 3] },
];

function ThroughputTable({ spans }: { spans: readonly Span[] }) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">From</th>
          {VERDICTS.map((verdict) => (
            <th key={verdict} scope="col" className="numeric">
              {verdictLook(verdict).word} / s
            </th>
          ))}
        </tr>
      </thead>
      <tbody>
        {spans.map((span) => (
          <tr key={span.from}>
            <th scope="row" className="mono">
              {formatClock(span.from * 1000)}
            </th>
            {VERDICTS.map((verdict) => (
              <td key={verdict} className="numeric mono">
                {span.rates === null ? '–' : formatRate(span.rates[verdict])}
              </td>
            ))}
          </tr>
        ))}
      </tbody>
    </table>
  );
}

function LatencyTable({ spans }: { spans: readonly Span[] }) {
  return (
    <table>
      <thead>
        <tr>
          <th scope="col">From</th>
          <th scope="col" className="numeric">
            p50
          </th>
          <th scope="col" className="numeric">
            p99
          </th>
        </tr>
      </thead>
      <tbody>
        {spans.map((span) => (
          <tr key={span.from}>
            <th scope="row" className="mono">
              {formatClock(span.from * 1000)}
            </th>
            <td className="numeric mono">{span.p50 === null ? '–' : formatDuration(span.p50)}</td>
            <td className="numeric mono">{span.p99 === null ? '–' : formatDuration(span.p99)}</td>
          </tr>
        ))}
      </tbody>
    </table>
  );
}

interface ChartsProps {
  points: readonly Point[];
  startMs: number;
}

export const Charts = memo(function Charts({ points, startMs }: ChartsProps) {
  const endSeconds = points.at(-1)?.at ?? startMs / 1000;
  const spans = useMemo(() => spansOf(points, TABLE_SECONDS), [points]);
  const throughput = useMemo<[number[], ...(number | null)[][]]>(
    () => [
      points.map((point) => point.at),
      ...VERDICTS.map((verdict) => points.map((point) => point.rates?.[verdict] ?? null)),
    ],
    [points],
  );
  const latency = useMemo<[number[], ...(number | null)[][]]>(
    () => [
      points.map((point) => point.at),
      points.map((point) => point.p50),
      points.map((point) => point.p99),
    ],
    [points],
  );
  const known = endSeconds - (points[0]?.at ?? endSeconds);
  const spanSeconds = Math.min(SPAN_SECONDS, Math.max(FIRST_SPAN_SECONDS, known));
  const shared = { spanSeconds, endSeconds };
  return (
    <div className="charts">
      <TimeChart
        {...shared}
        title="Throughput by verdict"
        note="per second, last 5 min, log scale"
        lines={VERDICT_LINES}
        data={throughput}
        scale="symlog"
        format={formatRate}
        table={<ThroughputTable spans={spans} />}
      />
      <TimeChart
        {...shared}
        title="Decision time"
        note="in process, last 5 min"
        lines={LATENCY_LINES}
        data={latency}
        scale="linear"
        format={formatDuration}
        table={<LatencyTable spans={spans} />}
      />
    </div>
  );
});

export function ChartsSkeleton() {
  return (
    <div className="charts" aria-hidden="true">
      <div className="panel chart">
        <span className="skeleton bar-block" />
      </div>
      <div className="panel chart">
        <span className="skeleton bar-block" />
      </div>
    </div>
  );
}
