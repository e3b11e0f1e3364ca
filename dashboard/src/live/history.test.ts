// The charts' points: rates from running totals, holes where nothing is known, means for the table twins.
import { describe, expect, it } from 'vitest';
import type { Statistics } from '../api/wire';
import { emptyHistory, type History, SPAN_SECONDS, spansOf, withStatistics } from './history';

const START_MS = 1_700_000_000_000;

function statistics(approve: number, decline = 0, startedAt = 'a'): Statistics {
  return {
    started_at: startedAt,
    decisions: { approve, challenge: 0, review: 0, decline },
    latency_us: { p50: 60, p99: 200, p999: 900 },
  } as Statistics;
}

const fed = (...steps: [Statistics, number][]): History =>
  steps.reduce((history, [s, ms]) => withStatistics(history, s, START_MS + ms), emptyHistory);

describe('the history', () => {
  it('turns the difference of totals into rates a second', () => {
    const { points } = fed([statistics(100), 0], [statistics(150, 1), 250], [statistics(340, 4), 2000]);
    expect(points).toEqual([
      {
        at: START_MS / 1000 + 2,
        rates: { approve: 120, challenge: 0, review: 0, decline: 2 },
        p50: 60,
        p99: 200,
      },
    ]);
  });

  it('makes at most one point a second', () => {
    const steps = Array.from({ length: 41 }, (_, i): [Statistics, number] => [statistics(i * 10), i * 250]);
    expect(fed(...steps).points).toHaveLength(10);
  });

  it('leaves a hole after a silence instead of a line through it', () => {
    const { points } = fed([statistics(0), 0], [statistics(10), 1000], [statistics(900), 20_000]);
    expect(points.map((point) => point.rates?.approve ?? null)).toEqual([10, null]);
  });

  it('leaves a hole when the server started again', () => {
    expect(fed([statistics(500), 0], [statistics(3), 1000]).points[0]?.rates).toBeNull();
    expect(fed([statistics(500), 0], [statistics(900, 0, 'b'), 1000]).points[0]?.rates).toBeNull();
  });

  it('forgets what is older than the span', () => {
    const steps = Array.from({ length: 400 }, (_, i): [Statistics, number] => [statistics(i), i * 1000]);
    const { points } = fed(...steps);
    expect(points.length).toBeLessThanOrEqual(SPAN_SECONDS + 2);
    expect(points.at(-1)?.at).toBe(START_MS / 1000 + 399);
  });

  it('claims no latency before the first decision', () => {
    expect(fed([statistics(0), 0], [statistics(0), 1000]).points[0]).toMatchObject({ p50: null, p99: null });
  });
});

describe('the table twin', () => {
  it('averages known points by span, newest first, and marks spans of which nothing is known', () => {
    const point = (at: number, approve: number | null) => ({
      at,
      rates: approve === null ? null : { approve, challenge: 0, review: 0, decline: 0 },
      p50: approve,
      p99: null,
    });
    const spans = spansOf([point(100, 10), point(105, 20), point(108, null), point(110, null)], 10);
    expect(spans.map((span) => [span.from, span.rates?.approve ?? null, span.p50])).toEqual([
      [110, null, null],
      [100, 15, 15],
    ]);
  });
});
