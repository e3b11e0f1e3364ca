// Reads the public API. Every failure becomes a `RequestFailure` that carries what the error panel shows:
// a title, a detail and, when the server gave one, the trace id.
import type { AlertPage, DecisionDetail, Problem, Statistics } from './wire';

const ANSWER_MS_MAX = 10_000;

export class RequestFailure extends Error {
  readonly title: string;
  readonly detail: string;
  readonly status: number | null;
  readonly traceId: string | null;

  constructor(title: string, detail: string, status: number | null, traceId: string | null) {
    super(`${title}: ${detail}`);
    this.name = 'RequestFailure';
    this.title = title;
    this.detail = detail;
    this.status = status;
    this.traceId = traceId;
  }
}

async function failureOf(response: Response, path: string): Promise<RequestFailure> {
  const problem: Problem = await response.json().catch(() => ({}));
  return new RequestFailure(
    problem.title ?? `The server answered ${response.status}`,
    problem.detail ?? `GET ${path} did not succeed.`,
    response.status,
    problem.trace_id ?? response.headers.get('x-trace-id'),
  );
}

async function getJson<T>(path: string, signal?: AbortSignal): Promise<T> {
  const deadline = AbortSignal.timeout(ANSWER_MS_MAX);
  let response: Response;
  try {
    response = await fetch(path, {
      headers: { accept: 'application/json' },
      credentials: 'same-origin',
      signal: signal ? AbortSignal.any([signal, deadline]) : deadline,
    });
  } catch (cause) {
    if (signal?.aborted) throw cause;
    const late = deadline.aborted;
    throw new RequestFailure(
      'The server did not answer',
      late ? `GET ${path} took longer than 10 s.` : `GET ${path} could not be reached. Is sentinel running?`,
      null,
      null,
    );
  }
  if (!response.ok) throw await failureOf(response, path);
  return (await response.json()) as T;
}

export const statisticsKey = ['statistics'] as const;
export const alertsKey = ['alerts'] as const;
export const decisionKey = (decisionId: string) => ['decision', decisionId] as const;

export function readStatistics(signal?: AbortSignal): Promise<Statistics> {
  return getJson('/api/v1/statistics', signal);
}

export function readAlerts(limit: number, signal?: AbortSignal): Promise<AlertPage> {
  return getJson(`/api/v1/alerts?limit=${limit}`, signal);
}

export function readDecision(decisionId: string, signal?: AbortSignal): Promise<DecisionDetail> {
  return getJson(`/api/v1/decisions/${encodeURIComponent(decisionId)}`, signal);
}
