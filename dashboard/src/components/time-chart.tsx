// A line chart over time on uPlot, with its readout line and its table twin. It paints what it is given: no fetching,
// no clock of its own. Colours are read from the tokens and read again when the theme changes.
import { ChartLine, Table2 } from 'lucide-react';
import { type ReactNode, useEffect, useRef, useState } from 'react';
import uPlot from 'uplot';
import 'uplot/dist/uPlot.min.css';
import { formatClock } from '../format/time';
import { tokenColour, useTheme } from '../theme/theme';

export interface Line {
  label: string;
  token: '--risk-low' | '--risk-medium' | '--risk-high' | '--risk-critical' | '--accent' | '--fg';
  /** Lengths of strokes and gaps, so that lines differ without colour. */
  dash?: number[];
  width?: number;
  icon?: ReactNode;
}

interface TimeChartProps {
  title: string;
  note: string;
  lines: readonly Line[];
  /** Seconds since the epoch, then one array per line. */
  data: uPlot.AlignedData;
  spanSeconds: number;
  endSeconds: number;
  /** `symlog` keeps small and large lines readable together and still shows zero. */
  scale: 'linear' | 'symlog';
  format: (value: number) => string;
  table: ReactNode;
}

const FONT = '11px "Inter Variable", system-ui, sans-serif';

/** Logarithmic far from zero, linear near it, and zero stays zero. */
const squeeze = (value: number) => Math.log10(1 + Math.max(0, value));
const stretch = (height: number) => 10 ** height - 1;

function decades(max: number): number[] {
  const marks = [0];
  for (let mark = 1; mark <= max; mark *= 10) marks.push(mark);
  return marks;
}

/** Seconds are shown only where marks stand closer than a minute. */
function axisClock(seconds: number, apart: number): string {
  const text = formatClock(seconds * 1000);
  return apart < 60 ? text : text.slice(0, 5);
}

function dashOf(line: Line): string | undefined {
  return line.dash?.join(' ');
}

interface Window {
  from: number;
  to: number;
}

function optionsFor(
  props: TimeChartProps,
  at: { current: Window },
  onCursor: (index: number | null) => void,
) {
  const symlog = props.scale === 'symlog';
  const muted = tokenColour('--muted');
  const rule = tokenColour('--line');
  const axis = { stroke: muted, font: FONT, grid: { stroke: rule, width: 1 }, ticks: { show: false } };
  const options: uPlot.Options = {
    width: 400,
    height: 160,
    padding: [8, 28, 0, 0],
    legend: { show: false },
    cursor: {
      sync: { key: 'live' },
      drag: { x: false, y: false },
      points: { size: 7, width: 0, fill: (chart, series) => String(chart.series[series]?.stroke ?? muted) },
    },
    scales: {
      x: { time: true, range: () => [at.current.from, at.current.to] },
      y: {
        ...(symlog ? { distr: 100 as const, fwd: squeeze, bwd: stretch } : {}),
        range: (_, __, max) => [0, symlog ? Math.max(max ?? 0, 8) * 1.4 : Math.max(max ?? 0, 1e-9) * 1.15],
      },
    },
    axes: [
      {
        ...axis,
        space: 80,
        size: 24,
        gap: 6,
        values: (_, splits, __, ___, apart) => splits.map((at) => axisClock(at, apart)),
      },
      {
        ...axis,
        space: 28,
        size: 56,
        gap: 6,
        values: (_, splits) => splits.map((v) => (v === null ? '' : props.format(v))),
        filter: (_, splits) => splits,
        ...(symlog ? { splits: (_: uPlot, __: number, ___: number, max: number) => decades(max) } : {}),
      },
    ],
    series: [
      {},
      ...props.lines.map((line) => ({
        label: line.label,
        stroke: tokenColour(line.token),
        width: line.width ?? 1.5,
        points: { show: false },
        ...(line.dash ? { dash: line.dash } : {}),
      })),
    ],
    hooks: { setCursor: [(chart) => onCursor(chart.cursor.idx ?? null)] },
  };
  return options;
}

export function TimeChart(props: TimeChartProps) {
  const { title, note, lines, data, spanSeconds, endSeconds, format, table } = props;
  const { theme } = useTheme();
  const [asTable, setAsTable] = useState(false);
  const [hovered, setHovered] = useState<number | null>(null);
  const plot = useRef<HTMLDivElement>(null);
  const chart = useRef<uPlot | null>(null);
  const latest = useRef(props);
  const span = useRef<Window>({ from: 0, to: 1 });
  latest.current = props;
  span.current = { from: endSeconds - spanSeconds, to: endSeconds };

  // biome-ignore lint/correctness/useExhaustiveDependencies: the chart is made anew for a theme, not for each point.
  useEffect(() => {
    const home = plot.current;
    if (home === null || asTable) return;
    const made = new uPlot(optionsFor(latest.current, span, setHovered), latest.current.data, home);
    chart.current = made;
    const resized = new ResizeObserver(() => {
      if (home.clientWidth > 0) made.setSize({ width: home.clientWidth, height: home.clientHeight });
    });
    resized.observe(home);
    void document.fonts?.ready.then(() => chart.current === made && made.redraw(false, true));
    return () => {
      resized.disconnect();
      made.destroy();
      chart.current = null;
    };
  }, [theme, asTable]);

  useEffect(() => {
    chart.current?.setData(data);
  }, [data]);

  const times = data[0];
  const index = hovered !== null && hovered < times.length ? hovered : times.length - 1;
  const at = times[index];
  const readings = lines.map((line, i) => ({ line, value: data[i + 1]?.[index] ?? null }));
  const spoken = readings
    .map(({ line, value }) => `${line.label} ${value === null ? 'unknown' : format(value)}`)
    .join(', ');
  return (
    <section className="panel chart" aria-label={title}>
      <header className="panel-head">
        <h2>{title}</h2>
        <span className="caption clip">{note}</span>
        <span className="grow" />
        <span className="caption mono">
          {hovered !== null && at !== undefined ? formatClock(at * 1000) : ''}
        </span>
        <button
          type="button"
          className="icon-button small"
          aria-pressed={asTable}
          aria-label={`${title} as a table`}
          title={asTable ? 'Show the chart' : 'Show as a table'}
          onClick={() => setAsTable(!asTable)}
        >
          {asTable ? <ChartLine size={14} aria-hidden="true" /> : <Table2 size={14} aria-hidden="true" />}
        </button>
      </header>
      <ul className="readout">
        {readings.map(({ line, value }) => (
          <li key={line.label}>
            <svg viewBox="0 0 16 8" width="16" height="8" aria-hidden="true">
              <path
                d="M0 4h16"
                className={`stroke${line.token}`}
                strokeWidth={(line.width ?? 1.5) + 0.5}
                strokeDasharray={dashOf(line)}
              />
            </svg>
            <span className="muted">{line.label}</span>
            <span className="mono">{value === null || value === undefined ? '–' : format(value)}</span>
          </li>
        ))}
      </ul>
      {asTable ? (
        // biome-ignore lint/a11y/noNoninteractiveTabindex: a scrolling region must be reachable by keyboard.
        <section className="chart-table" tabIndex={0} aria-label={`${title}, table`}>
          {table}
        </section>
      ) : (
        <div className="chart-plot" ref={plot} role="img" aria-label={`${title}, ${note}. Now: ${spoken}.`} />
      )}
    </section>
  );
}
