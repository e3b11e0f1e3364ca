// A live list that never moves under the pointer. While it is held, arrivals wait and are counted; on release they
// join the top. Pure: the same actions always give the same state.

export const ROWS_MAX = 200;

export interface FeedState<Row> {
  rows: readonly Row[];
  /** Newest first, like `rows`; only ever filled while held. */
  waiting: readonly Row[];
  /** Everything that arrived while held, also what is no longer kept. */
  waitingCount: number;
  held: boolean;
}

export type FeedAction<Row> =
  | { type: 'arrived'; items: readonly Row[]; skipped?: number }
  | { type: 'loaded'; items: readonly Row[] }
  | { type: 'hold' }
  | { type: 'release' }
  | { type: 'show' };

export interface FeedKeys<Row> {
  id: (row: Row) => string;
  /** RFC 3339 instant the list is ordered by. */
  at: (row: Row) => string;
}

export function emptyFeed<Row>(): FeedState<Row> {
  return { rows: [], waiting: [], waitingCount: 0, held: false };
}

/**
 * The rows to draw. A list that runs is at its top, so only what fits into `height` pixels can be seen, and drawing
 * the rest twice a second is most of the page's cost. A list that stands still is drawn in full.
 */
export function drawnRows<Row>(feed: FeedState<Row>, height: number, rowHeight: number): readonly Row[] {
  return feed.held ? feed.rows : feed.rows.slice(0, Math.ceil(height / rowHeight) + 1);
}

function newestFirst<Row>(keys: FeedKeys<Row>, fresh: readonly Row[], known: readonly Row[]): Row[] {
  const seen = new Set<string>();
  const merged: { row: Row; at: number; text: string; id: string }[] = [];
  for (const row of [...fresh, ...known]) {
    const id = keys.id(row);
    if (seen.has(id)) continue;
    seen.add(id);
    const text = keys.at(row);
    merged.push({ row, at: Date.parse(text), text, id });
  }
  // The clock of a browser stops at milliseconds: the text decides within one, and at one instant the id, which
  // carries the place in the log at a fixed width.
  const later = (a: string, b: string) => (a < b ? 1 : a > b ? -1 : 0);
  merged.sort((a, b) => b.at - a.at || later(a.text, b.text) || later(a.id, b.id));
  return merged.slice(0, ROWS_MAX).map((entry) => entry.row);
}

function shown<Row>(keys: FeedKeys<Row>, state: FeedState<Row>): FeedState<Row> {
  if (state.waitingCount === 0) return state;
  return { ...state, rows: newestFirst(keys, state.waiting, state.rows), waiting: [], waitingCount: 0 };
}

export function feedReducer<Row>(keys: FeedKeys<Row>) {
  return (state: FeedState<Row>, action: FeedAction<Row>): FeedState<Row> => {
    switch (action.type) {
      case 'arrived': {
        const known = new Set([...state.rows, ...state.waiting].map(keys.id));
        const fresh = action.items.filter((row) => !known.has(keys.id(row)));
        const skipped = action.skipped ?? 0;
        if (fresh.length === 0 && (skipped === 0 || !state.held)) return state;
        if (!state.held) return { ...state, rows: newestFirst(keys, fresh, state.rows) };
        return {
          ...state,
          waiting: newestFirst(keys, fresh, state.waiting),
          waitingCount: state.waitingCount + fresh.length + skipped,
        };
      }
      case 'loaded': {
        // A first page, or the page after a reconnect. With rows on screen it behaves like arrivals.
        if (state.rows.length === 0) return { ...state, rows: newestFirst(keys, action.items, []) };
        return feedReducer(keys)(state, { type: 'arrived', items: action.items });
      }
      case 'hold':
        return state.held ? state : { ...state, held: true };
      case 'release':
        return state.held ? { ...shown(keys, state), held: false } : state;
      case 'show':
        return shown(keys, state);
    }
  };
}
