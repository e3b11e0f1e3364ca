// The last five minutes as the charts see them: one point a second, made from the difference of the server's running
// totals. A silence or a restarted server leaves a hole rather than an invented line.
import type { Decision, Statistics } from '../api/wire';
import { VERDICTS } from '../risk/tiers';

export const SPAN_SECONDS = 300;
const POINT_MS_MIN = 950;
const SILENCE_MS_MAX = 5_000;

export interface Point {
  /** Seconds since the epoch. */
  at: number;
  /** Decisions a second; null where nothing is known. */
  rates: Record<Decision, number> | null;
  p50: number | null;
  p99: number | null;
}

export interface History {
  points: readonly Point[];
  base: { totals: Record<Decision, number>; startedAt: string; atMs: number } | null;
}

export const emptyHistory: History = { points: [], base: null };

export function withStatistics(history: History, statistics: Statistics, atMs: number): History {
  const { base } = history;
  const next = { totals: statistics.decisions, startedAt: statistics.started_at, atMs };
  const oldest = atMs / 1000 - SPAN_SECONDS - 1;
  if (base === null) return { points: history.points, base: next };
  const elapsedMs = atMs - base.atMs;
  const restarted =
    base.startedAt !== statistics.started_at ||
    VERDICTS.some((v) => statistics.decisions[v] < base.totals[v]);
  if (restarted || elapsedMs > SILENCE_MS_MAX || elapsedMs < 0) {
    const hole: Point = { at: atMs / 1000, rates: null, p50: null, p99: null };
    return { points: [...history.points.filter((p) => p.at > oldest && p.at < hole.at), hole], base: next };
  }
  if (elapsedMs < POINT_MS_MIN) return history;
  const rates = Object.fromEntries(
    VERDICTS.map((v) => [v, ((statistics.decisions[v] - base.totals[v]) / elapsedMs) * 1000]),
  ) as Record<Decision, number>;
  const decided = VERDICTS.some((v) => statistics.decisions[v] > 0);
  const point: Point = {
    at: atMs / 1000,
    rates,
    p50: decided ? statistics.latency_us.p50 : null,
    p99: decided ? statistics.latency_us.p99 : null,
  };
  return { points: [...history.points.filter((p) => p.at > oldest), point], base: next };
}

export interface Span {
  from: number;
  rates: Record<Decision, number> | null;
  p50: number | null;
  p99: number | null;
}

/** The same points as means over `seconds`, newest first: what the table twins show. */
export function spansOf(points: readonly Point[], seconds: number): Span[] {
  const groups = new Map<number, Point[]>();
  for (const point of points) {
    const from = Math.floor(point.at / seconds) * seconds;
    const group = groups.get(from);
    if (group) group.push(point);
    else groups.set(from, [point]);
  }
  const mean = (values: (number | null)[]) => {
    const known = values.filter((value): value is number => value !== null);
    return known.length === 0 ? null : known.reduce((sum, value) => sum + value, 0) / known.length;
  };
  return [...groups.entries()]
    .map(([from, group]) => {
      const known = group.some((point) => point.rates !== null);
      const rates = Object.fromEntries(
        VERDICTS.map((v) => [v, mean(group.map((point) => point.rates?.[v] ?? null)) ?? 0]),
      ) as Record<Decision, number>;
      return {
        from,
        rates: known ? rates : null,
        p50: mean(group.map((point) => point.p50)),
        p99: mean(group.map((point) => point.p99)),
      };
    })
    .sort((a, b) => b.from - a.from);
}
