// The one connection for live data. It subscribes, hands typed events to its listeners, and reconnects with growing,
// jittered waits. It knows nothing of React and holds no server data.
import type { Alert, FeedDecision, ServerMessage, Statistics, Topic } from '../api/wire';

export type Link = 'connecting' | 'live' | 'reconnecting';

export type LiveEvent =
  | { kind: 'statistics'; data: Statistics }
  | { kind: 'decisions'; items: FeedDecision[]; skipped: number }
  | { kind: 'alerts'; items: Alert[] }
  | { kind: 'gap'; topic: Topic }
  | { kind: 'reconnected' };

export const SUBPROTOCOL = 'sentinel.v1';
export const TOPICS: readonly Topic[] = ['decisions', 'alerts', 'statistics'];

const FIRST_WAIT_MS = 500;
const WAIT_MS_MAX = 15_000;
/** Messages of about two server ticks are handed on together: one repaint instead of six, and still twice a second. */
export const GATHER_MS = 400;
/** The server pings every 20 s and sends statistics far more often; longer silence is a dead connection. */
export const SILENCE_MS_MAX = 45_000;

/** How long to wait before attempt `attempt` (0 = the first retry): doubling, capped, half of it random. */
export function reconnectDelayMs(attempt: number, random: () => number): number {
  const ceiling = Math.min(WAIT_MS_MAX, FIRST_WAIT_MS * 2 ** Math.min(attempt, 10));
  return Math.round(ceiling / 2 + (ceiling / 2) * random());
}

/** The part of WebSocket that is used, so that tests can stand in for it. */
export interface Socket {
  onopen: (() => void) | null;
  onmessage: ((message: { data: unknown }) => void) | null;
  onclose: (() => void) | null;
  onerror: (() => void) | null;
  send(text: string): void;
  close(): void;
}

export interface Surroundings {
  open: () => Socket;
  later: (run: () => void, ms: number) => number;
  cancel: (timer: number) => void;
  random: () => number;
}

export function browserSurroundings(): Surroundings {
  const url = new URL('/api/v1/ws', window.location.href);
  url.protocol = url.protocol === 'https:' ? 'wss:' : 'ws:';
  return {
    open: () => new WebSocket(url, SUBPROTOCOL) as unknown as Socket,
    later: (run, ms) => window.setTimeout(run, ms),
    cancel: (timer) => window.clearTimeout(timer),
    random: Math.random,
  };
}

export class LiveStream {
  #around: Surroundings;
  #socket: Socket | null = null;
  #link: Link = 'connecting';
  #attempt = 0;
  #wasLive = false;
  #retry: number | null = null;
  #watchdog: number | null = null;
  #running = false;
  #gathered: LiveEvent[] = [];
  #handOver: number | null = null;
  #listeners = new Set<(event: LiveEvent) => void>();
  #linkListeners = new Set<() => void>();

  constructor(around: Surroundings) {
    this.#around = around;
  }

  get link(): Link {
    return this.#link;
  }

  listen(listener: (event: LiveEvent) => void): () => void {
    this.#listeners.add(listener);
    return () => this.#listeners.delete(listener);
  }

  /** Bound, because React subscribes with the bare function. */
  listenLink = (listener: () => void): (() => void) => {
    this.#linkListeners.add(listener);
    return () => this.#linkListeners.delete(listener);
  };

  start(): void {
    if (this.#running) return;
    this.#running = true;
    this.#connect();
  }

  stop(): void {
    this.#running = false;
    this.#clear();
    if (this.#handOver !== null) this.#around.cancel(this.#handOver);
    this.#handOver = null;
    this.#gathered = [];
    const socket = this.#socket;
    this.#forget();
    socket?.close();
  }

  /** The network came back: do not sit out the rest of a long wait. */
  retryNow(): void {
    if (!this.#running || this.#retry === null) return;
    this.#clear();
    this.#connect();
  }

  #connect(): void {
    this.#retry = null;
    let socket: Socket;
    try {
      socket = this.#around.open();
    } catch {
      this.#lost();
      return;
    }
    this.#socket = socket;
    socket.onopen = () => {
      socket.send(JSON.stringify({ type: 'subscribe', topics: TOPICS }));
      this.#setLink('live');
      this.#watch();
      if (this.#wasLive) this.#emit({ kind: 'reconnected' });
      this.#wasLive = true;
    };
    socket.onmessage = (message) => this.#receive(message.data);
    socket.onerror = () => undefined;
    socket.onclose = () => this.#lost();
    this.#watch();
  }

  #receive(data: unknown): void {
    // Only a connection that delivers proves itself; one that opens and drops keeps backing off.
    this.#attempt = 0;
    this.#watch();
    const message = parse(data);
    if (message === null) return;
    const event = eventOf(message);
    if (event === null) return;
    this.#gathered.push(event);
    this.#handOver ??= this.#around.later(() => this.#handOn(), GATHER_MS);
  }

  #handOn(): void {
    this.#handOver = null;
    const gathered = this.#gathered;
    this.#gathered = [];
    for (const event of gathered) this.#emit(event);
  }

  #lost(): void {
    this.#clear();
    this.#forget();
    if (!this.#running) return;
    this.#setLink('reconnecting');
    const wait = reconnectDelayMs(this.#attempt, this.#around.random);
    this.#attempt += 1;
    this.#retry = this.#around.later(() => this.#connect(), wait);
  }

  #watch(): void {
    if (this.#watchdog !== null) this.#around.cancel(this.#watchdog);
    this.#watchdog = this.#around.later(() => {
      this.#watchdog = null;
      const socket = this.#socket;
      this.#lost();
      socket?.close();
    }, SILENCE_MS_MAX);
  }

  #forget(): void {
    if (this.#socket === null) return;
    this.#socket.onopen = null;
    this.#socket.onmessage = null;
    this.#socket.onclose = null;
    this.#socket = null;
  }

  #clear(): void {
    if (this.#retry !== null) this.#around.cancel(this.#retry);
    if (this.#watchdog !== null) this.#around.cancel(this.#watchdog);
    this.#retry = null;
    this.#watchdog = null;
  }

  #setLink(link: Link): void {
    if (this.#link === link) return;
    this.#link = link;
    for (const listener of this.#linkListeners) listener();
  }

  #emit(event: LiveEvent): void {
    for (const listener of this.#listeners) listener(event);
  }
}

function eventOf(message: ServerMessage): LiveEvent | null {
  if (message.type === 'gap') return { kind: 'gap', topic: message.topic };
  if (message.topic === 'statistics') return { kind: 'statistics', data: message.data };
  if (message.topic === 'decisions') {
    return { kind: 'decisions', items: message.data.items, skipped: message.data.skipped ?? 0 };
  }
  return message.topic === 'alerts' ? { kind: 'alerts', items: message.data.items } : null;
}

function parse(data: unknown): ServerMessage | null {
  if (typeof data !== 'string') return null;
  try {
    const message = JSON.parse(data) as { type?: unknown; topic?: unknown; data?: unknown };
    if (message.type === 'gap' && typeof message.topic === 'string') return message as ServerMessage;
    if (message.type === 'event' && typeof message.topic === 'string' && message.data)
      return message as ServerMessage;
  } catch {
    // A message that is not JSON is none of ours.
  }
  return null;
}
