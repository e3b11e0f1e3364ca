// The live list: order, bound, and above all that nothing moves while it is held.
import { describe, expect, it } from 'vitest';
import { drawnRows, emptyFeed, type FeedAction, type FeedState, feedReducer, ROWS_MAX } from './feed';

interface Row {
  id: string;
  at: string;
}

const reduce = feedReducer<Row>({ id: (row) => row.id, at: (row) => row.at });
const row = (n: number): Row => ({ id: `r${n}`, at: new Date(1_700_000_000_000 + n * 10).toISOString() });
const rows = (from: number, to: number) => Array.from({ length: to - from }, (_, i) => row(from + i));
const fed = (...actions: FeedAction<Row>[]): FeedState<Row> => actions.reduce(reduce, emptyFeed<Row>());
const ids = (state: FeedState<Row>) => state.rows.map((r) => r.id);

describe('a feed that runs', () => {
  it('puts arrivals on top, newest first, whatever order they came in', () => {
    const state = fed(
      { type: 'arrived', items: [row(2), row(1)] },
      { type: 'arrived', items: [row(3), row(4)] },
    );
    expect(ids(state)).toEqual(['r4', 'r3', 'r2', 'r1']);
    expect(state.waitingCount).toBe(0);
  });

  it('keeps at most 200 rows and drops the oldest', () => {
    const state = fed({ type: 'arrived', items: rows(0, 150) }, { type: 'arrived', items: rows(150, 320) });
    expect(state.rows).toHaveLength(ROWS_MAX);
    expect(ids(state)[0]).toBe('r319');
    expect(ids(state).at(-1)).toBe('r120');
  });

  it('shows a row once, also when the stream and the first page both bring it', () => {
    const state = fed({ type: 'arrived', items: [row(5)] }, { type: 'loaded', items: rows(3, 6) });
    expect(ids(state)).toEqual(['r5', 'r4', 'r3']);
  });

  it('orders rows of one millisecond by the microseconds in the text', () => {
    const early = { id: 'early', at: '2025-01-01T00:00:00.000100Z' };
    const late = { id: 'late', at: '2025-01-01T00:00:00.000900Z' };
    expect(ids(fed({ type: 'arrived', items: [early, late] }))).toEqual(['late', 'early']);
  });

  it('orders rows of one instant by their place in the log', () => {
    const at = '2025-01-01T00:00:00Z';
    const [first, second] = [
      { id: 'dec_00a', at },
      { id: 'dec_00b', at },
    ];
    expect(ids(fed({ type: 'arrived', items: [first, second] }))).toEqual(['dec_00b', 'dec_00a']);
    expect(ids(fed({ type: 'arrived', items: [second, first] }))).toEqual(['dec_00b', 'dec_00a']);
  });

  it('stays the same object when nothing changes', () => {
    const state = fed({ type: 'arrived', items: [row(1)] });
    expect(reduce(state, { type: 'arrived', items: [row(1)] })).toBe(state);
    expect(reduce(state, { type: 'release' })).toBe(state);
    expect(reduce(state, { type: 'arrived', items: [], skipped: 4 })).toBe(state);
  });
});

describe('a feed that is held', () => {
  const held = fed({ type: 'arrived', items: rows(0, 3) }, { type: 'hold' });

  it('does not move a row, and counts what waits, also what the server skipped', () => {
    const state = reduce(held, { type: 'arrived', items: rows(3, 8), skipped: 7 });
    expect(state.rows).toBe(held.rows);
    expect(state.waitingCount).toBe(12);
  });

  it('does not count the same row twice', () => {
    const once = reduce(held, { type: 'arrived', items: [row(1), row(9)] });
    const twice = reduce(once, { type: 'arrived', items: [row(9)] });
    expect(twice.waitingCount).toBe(1);
  });

  it('is drawn in full, while a running one draws only its top', () => {
    const running = fed({ type: 'arrived', items: rows(0, 150) });
    expect(drawnRows(running, 280, 28)).toHaveLength(11);
    expect(drawnRows(reduce(running, { type: 'hold' }), 280, 28)).toHaveLength(150);
  });

  it('bounds what it keeps, but not what it counts', () => {
    const state = reduce(held, { type: 'arrived', items: rows(10, 510) });
    expect(state.waiting).toHaveLength(ROWS_MAX);
    expect(state.waitingCount).toBe(500);
  });

  it('shows what waits when asked, and goes on holding', () => {
    const state = [
      { type: 'arrived', items: [row(9)] } as const,
      { type: 'show' } as const,
      { type: 'arrived', items: [row(10)] } as const,
    ].reduce(reduce, held);
    expect(ids(state)).toEqual(['r9', 'r2', 'r1', 'r0']);
    expect(state).toMatchObject({ held: true, waitingCount: 1 });
  });

  it('lets everything in on release', () => {
    const state = [{ type: 'arrived', items: [row(9)] } as const, { type: 'release' } as const].reduce(
      reduce,
      held,
    );
    expect(ids(state)).toEqual(['r9', 'r2', 'r1', 'r0']);
    expect(state).toMatchObject({ held: false, waitingCount: 0, waiting: [] });
  });

  it('collects a page loaded after a reconnect instead of showing it', () => {
    const state = reduce(held, { type: 'loaded', items: rows(0, 5) });
    expect(state.rows).toBe(held.rows);
    expect(state.waitingCount).toBe(2);
  });

  it('still shows a first page: an empty list has nothing to disturb', () => {
    const state = fed({ type: 'hold' }, { type: 'loaded', items: rows(0, 2) });
    expect(ids(state)).toEqual(['r1', 'r0']);
  });
});
