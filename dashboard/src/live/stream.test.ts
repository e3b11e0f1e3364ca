// The live connection against a stand-in socket and a clock moved by hand: subscribing, reading, reconnecting.
import { beforeEach, describe, expect, it } from 'vitest';
import {
  GATHER_MS,
  type LiveEvent,
  LiveStream,
  reconnectDelayMs,
  SILENCE_MS_MAX,
  type Socket,
} from './stream';

class FakeSocket implements Socket {
  onopen: (() => void) | null = null;
  onmessage: ((message: { data: unknown }) => void) | null = null;
  onclose: (() => void) | null = null;
  onerror: (() => void) | null = null;
  sent: string[] = [];
  closed = false;
  send(text: string) {
    this.sent.push(text);
  }
  close() {
    this.closed = true;
    this.onclose?.();
  }
}

class World {
  sockets: FakeSocket[] = [];
  timers = new Map<number, { run: () => void; at: number }>();
  now = 0;
  #nextTimer = 1;

  open = () => {
    const socket = new FakeSocket();
    this.sockets.push(socket);
    return socket;
  };
  later = (run: () => void, ms: number) => {
    const timer = this.#nextTimer++;
    this.timers.set(timer, { run, at: this.now + ms });
    return timer;
  };
  cancel = (timer: number) => {
    this.timers.delete(timer);
  };
  random = () => 1;

  advance(ms: number) {
    const until = this.now + ms;
    for (;;) {
      const due = [...this.timers].filter(([, t]) => t.at <= until).sort((a, b) => a[1].at - b[1].at)[0];
      if (due === undefined) break;
      this.timers.delete(due[0]);
      this.now = due[1].at;
      due[1].run();
    }
    this.now = until;
  }

  get socket(): FakeSocket {
    const socket = this.sockets.at(-1);
    if (socket === undefined) throw new Error('no socket was opened');
    return socket;
  }
  say(message: unknown) {
    this.socket.onmessage?.({ data: JSON.stringify(message) });
  }
}

let world: World;
let stream: LiveStream;
let events: LiveEvent[];

beforeEach(() => {
  world = new World();
  stream = new LiveStream(world);
  events = [];
  stream.listen((event) => events.push(event));
  stream.start();
});

const statistics = { type: 'event', topic: 'statistics', seq: 1, data: { transactions: 1 } };

describe('a connection', () => {
  it('subscribes to every topic once it is open', () => {
    expect(stream.link).toBe('connecting');
    world.socket.onopen?.();
    expect(stream.link).toBe('live');
    expect(world.socket.sent.map((text) => JSON.parse(text))).toEqual([
      { type: 'subscribe', topics: ['decisions', 'alerts', 'statistics'] },
    ]);
  });

  it('hands on events and gaps in order, gathered', () => {
    world.socket.onopen?.();
    world.say(statistics);
    world.say({ type: 'event', topic: 'decisions', seq: 2, data: { items: [], skipped: 3 } });
    world.say({ type: 'event', topic: 'alerts', seq: 3, data: { items: [] } });
    world.say({ type: 'gap', topic: 'alerts', from: 4, to: 9 });
    expect(events).toEqual([]);
    world.advance(GATHER_MS);
    expect(events).toEqual([
      { kind: 'statistics', data: { transactions: 1 } },
      { kind: 'decisions', items: [], skipped: 3 },
      { kind: 'alerts', items: [] },
      { kind: 'gap', topic: 'alerts' },
    ]);
  });

  it('ignores what it does not understand', () => {
    world.socket.onopen?.();
    world.socket.onmessage?.({ data: 'not json' });
    world.socket.onmessage?.({ data: new ArrayBuffer(2) });
    world.say({ type: 'event', topic: 'weather', seq: 1, data: {} });
    world.say({ type: 'ping' });
    world.advance(GATHER_MS);
    expect(events).toEqual([]);
    expect(stream.link).toBe('live');
  });
});

describe('reconnecting', () => {
  it('doubles the wait up to fifteen seconds, half of it random', () => {
    expect([0, 1, 2, 3, 4, 5, 6, 50].map((attempt) => reconnectDelayMs(attempt, () => 1))).toEqual([
      500, 1000, 2000, 4000, 8000, 15_000, 15_000, 15_000,
    ]);
    expect(reconnectDelayMs(1, () => 0)).toBe(500);
    expect(reconnectDelayMs(1, () => 0.5)).toBe(750);
  });

  it('comes back after a loss and says so, once', () => {
    world.socket.onopen?.();
    world.socket.onclose?.();
    expect(stream.link).toBe('reconnecting');
    world.advance(499);
    expect(world.sockets).toHaveLength(1);
    world.advance(1);
    expect(world.sockets).toHaveLength(2);
    world.socket.onopen?.();
    expect(stream.link).toBe('live');
    expect(events).toEqual([{ kind: 'reconnected' }]);
  });

  it('does not call the first connection a reconnect, however many tries it took', () => {
    world.socket.onclose?.();
    world.advance(500);
    world.socket.onopen?.();
    expect(events).toEqual([]);
  });

  it('keeps backing off from a server that accepts and drops, until one message gets through', () => {
    for (const wait of [500, 1000, 2000]) {
      world.socket.onopen?.();
      world.socket.onclose?.();
      const tries = world.sockets.length;
      world.advance(wait - 1);
      expect(world.sockets).toHaveLength(tries);
      world.advance(1);
      expect(world.sockets).toHaveLength(tries + 1);
    }
    world.socket.onopen?.();
    world.say(statistics);
    world.socket.onclose?.();
    const tries = world.sockets.length;
    world.advance(500);
    expect(world.sockets).toHaveLength(tries + 1);
  });

  it('gives up on a connection that has gone silent', () => {
    world.socket.onopen?.();
    world.advance(SILENCE_MS_MAX - 1);
    world.say(statistics);
    world.advance(SILENCE_MS_MAX - 1);
    expect(stream.link).toBe('live');
    const silent = world.socket;
    world.advance(1);
    expect(silent.closed).toBe(true);
    expect(stream.link).toBe('reconnecting');
    world.advance(500);
    expect(world.sockets).toHaveLength(2);
  });

  it('tries at once when the network is back', () => {
    for (let attempt = 0; attempt < 5; attempt += 1) {
      world.socket.onclose?.();
      world.advance(15_000);
    }
    world.socket.onclose?.();
    const tries = world.sockets.length;
    stream.retryNow();
    expect(world.sockets).toHaveLength(tries + 1);
    stream.retryNow();
    expect(world.sockets).toHaveLength(tries + 1);
  });

  it('leaves nothing running once stopped', () => {
    world.socket.onopen?.();
    world.say(statistics);
    stream.stop();
    expect(world.socket.closed).toBe(true);
    expect(world.timers.size).toBe(0);
    world.advance(60_000);
    expect(world.sockets).toHaveLength(1);
    expect(events).toEqual([]);
  });
});
