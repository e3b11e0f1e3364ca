// What the server sends and accepts, as types. Written by hand for now: once the OpenAPI file is generated from the
// server's code, `openapi-typescript` writes this file and nobody edits it.
// Enumerations are open: a client must accept words it does not know yet, hence `string` beside the known ones.

export type Decision = 'approve' | 'challenge' | 'review' | 'decline';
export type Tier = 'minimal' | 'low' | 'medium' | 'high' | 'critical';
export type Open<T extends string> = T | (string & {});

export interface Reason {
  code: string;
  text: string;
  contribution: number;
}

export interface Statistics {
  started_at: string;
  uptime_seconds: number;
  transactions: number;
  decisions: Record<Decision, number>;
  alerts: number;
  alerts_open: number;
  cases_open: number;
  rejected: number;
  repeated: number;
  conflicts: number;
  labels: number;
  transactions_per_second: number;
  latency_us: { p50: number; p99: number; p999: number };
  declined_amount_minor: number;
  reference_currency: string;
  log_end: number;
  version: string;
  mode: Open<'demo' | 'serve'>;
}

export interface Alert {
  alert_id: string;
  decision_id: string;
  event_id: string;
  event_time: string;
  raised_at: string;
  tier: Open<Tier>;
  decision: Open<Decision>;
  score: number;
  account_id: string;
  card_token: string | null;
  merchant_id: string | null;
  amount_minor: number;
  currency: string;
  reasons: Reason[];
  status: Open<'open'>;
}

export interface AlertPage {
  items: Alert[];
  next_cursor: string | null;
  total_estimate: number;
}

export interface FeedDecision {
  decision_id: string;
  event_id: string;
  event_time: string;
  decided_at: string;
  account_id: string;
  merchant_id: string | null;
  amount_minor: number;
  currency: string;
  decision: Open<Decision>;
  tier: Open<Tier>;
  score: number;
  reasons: Reason[];
  latency_us: number;
}

export type Scalar = string | number | boolean | null;

export interface RuleTrace {
  rule_id: string;
  version: number | string;
  outcome: Open<'hit' | 'no_hit' | 'suppressed' | 'forced' | 'error'>;
  points: number;
  evidence: Record<string, Scalar>;
}

export interface ModelScore {
  model_id: string;
  version: number | string;
  score: number;
  role: Open<'champion' | 'challenger'>;
}

export interface DecisionDetail {
  decision_id: string;
  event_id: string;
  decision: Open<Decision>;
  score: number;
  probability: number | null;
  risk: number;
  /** How far the score can be trusted, 0 to 1; servers before this field do not send it. */
  confidence?: number | null;
  tier: Open<Tier>;
  reasons: Reason[];
  rules: RuleTrace[];
  models: ModelScore[];
  lists: unknown[];
  actions: unknown[];
  degraded: { what: string; policy: string }[];
  versions: Record<string, Scalar>;
  log_position: { log: string; partition: number; offset: number };
  latency_us: number;
  followed_by: { alert_id: string | null; case_id: string | null };
  /** What a person decided in its place, the newest; absent where nobody has. */
  overridden_by?: { verdict: Open<Decision>; by: string; reason: string; at: string };
  transaction: Record<string, unknown>;
}

export interface Problem {
  type?: string;
  title?: string;
  status?: number;
  detail?: string;
  trace_id?: string;
}

export type Topic = 'decisions' | 'alerts' | 'statistics';

export type ServerMessage =
  | { type: 'event'; topic: 'statistics'; seq: number; data: Statistics }
  | { type: 'event'; topic: 'decisions'; seq: number; data: { items: FeedDecision[]; skipped: number } }
  | { type: 'event'; topic: 'alerts'; seq: number; data: { items: Alert[] } }
  | { type: 'gap'; topic: Topic; from: number; to: number };
