// Makes plausible traffic for the mock server: seeded, so that a run can be repeated. Test tool only, never shipped.

const REASONS = [
  ['velocity_account_60s', (n) => `${n} payments in 60 s`],
  ['new_device', () => 'First use of this device'],
  ['impossible_travel', (n) => `${n * 140} km from the last payment in 9 min`],
  ['amount_vs_usual', (n) => `Amount ${n}.4 times the usual`],
  ['card_testing', (n) => `${n} small declines before this`],
  ['night_hour', () => 'Unusual hour for this account'],
  ['merchant_risk', () => 'Merchant with recent fraud'],
  ['account_age', () => 'Long-standing account'],
];
const CURRENCIES = ['USD', 'USD', 'EUR', 'GBP', 'JPY', 'KWD'];

export function seeded(seed) {
  let state = seed >>> 0;
  return () => {
    state = (state + 0x6d2b79f5) >>> 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

const VERDICTS = {
  minimal: 'approve',
  low: 'approve',
  medium: 'challenge',
  high: 'review',
  critical: 'decline',
};

function tierOf(roll) {
  if (roll < 0.962) return ['minimal', 40 + (roll / 0.962) * 440];
  if (roll < 0.975) return ['low', 500 + ((roll - 0.962) / 0.013) * 49];
  if (roll < 0.988) return ['medium', 550 + ((roll - 0.975) / 0.013) * 149];
  if (roll < 0.995) return ['high', 700 + ((roll - 0.988) / 0.007) * 149];
  return ['critical', 850 + ((roll - 0.995) / 0.005) * 140];
}

export class Traffic {
  constructor(seed) {
    this.random = seeded(seed);
    this.offset = 0;
    this.startedAt = new Date();
    this.decisions = { approve: 0, challenge: 0, review: 0, decline: 0 };
    this.declinedMinor = 0;
    this.rejected = 0;
    this.repeated = 0;
    this.details = new Map();
    this.alerts = [];
    this.raised = 0;
    this.rate = 0;
  }

  #hex(length) {
    let text = '';
    while (text.length < length) text += Math.floor(this.random() * 16).toString(16);
    return text;
  }

  #reasons(tier) {
    if (tier === 'minimal') return [];
    const count = 2 + Math.floor(this.random() * 3);
    const start = Math.floor(this.random() * REASONS.length);
    const picked = Array.from({ length: count }, (_, i) => REASONS[(start + i) % REASONS.length]);
    return picked
      .map(([code, text]) => ({
        code,
        text: text(3 + Math.floor(this.random() * 9)),
        contribution: code === 'account_age' ? -0.2 - this.random() * 0.6 : 0.2 + this.random() * 2.4,
      }))
      .sort((a, b) => b.contribution - a.contribution);
  }

  /** One transaction, decided now; gives the feed row and the alert, if one was raised. */
  next() {
    const [tier, raw] = tierOf(this.random());
    const decision = VERDICTS[tier];
    const now = new Date().toISOString();
    const score = Math.floor(raw);
    const currency = CURRENCIES[Math.floor(this.random() * CURRENCIES.length)];
    const row = {
      decision_id: `dec_${this.#hex(24)}`,
      event_id: `txn-${String(100000 + this.offset)}`,
      event_time: now,
      decided_at: now,
      account_id: `acct-${String(Math.floor(this.random() * 9000) + 1000)}`,
      merchant_id: this.random() < 0.05 ? null : `mer-${String(Math.floor(this.random() * 900) + 100)}`,
      amount_minor: Math.floor(10 ** (2 + this.random() * 3.4)),
      currency,
      decision,
      tier,
      score,
      reasons: this.#reasons(tier),
      latency_us: 30 + this.random() * 80,
    };
    this.decisions[decision] += 1;
    if (decision === 'decline') this.declinedMinor += row.amount_minor;
    if (this.random() < 0.002) this.rejected += 1;
    if (this.random() < 0.004) this.repeated += 1;
    const alert = tier === 'minimal' ? null : this.#alert(row);
    this.#remember(row, alert);
    this.offset += 1;
    return { row: { ...row, reasons: row.reasons.slice(0, 1) }, alert };
  }

  #alert(row) {
    const { decided_at, latency_us, ...common } = row;
    const alert = {
      ...common,
      alert_id: `alr_${this.#hex(24)}`,
      raised_at: decided_at,
      card_token: `tok_${this.#hex(12)}`,
      status: 'open',
    };
    this.raised += 1;
    this.alerts.unshift(alert);
    this.alerts.length = Math.min(this.alerts.length, 1000);
    return alert;
  }

  #remember(row, alert) {
    const count = 4 + Math.floor(this.random() * 8);
    const hits =
      row.reasons.length === 0
        ? []
        : [
            {
              rule_id: 'velocity-account',
              version: 3,
              outcome: 'hit',
              points: 0,
              evidence: { count_60s: count, threshold: 3 },
            },
            {
              rule_id: 'new-device-high-amount',
              version: 1,
              outcome: 'suppressed',
              points: 0,
              evidence: { amount_minor: row.amount_minor, currency: row.currency, device_age_s: 12 },
            },
          ];
    this.details.set(row.decision_id, {
      decision_id: row.decision_id,
      event_id: row.event_id,
      decision: row.decision,
      score: row.score,
      probability: (row.score / 1000) ** 3,
      risk: row.score / 1000,
      tier: row.tier,
      reasons: row.reasons,
      rules: [
        ...hits,
        { rule_id: 'blocked-country', version: 2, outcome: 'no_hit', points: 0, evidence: {} },
      ],
      models: [{ model_id: 'builtin', version: '1', score: row.score, role: 'champion' }],
      lists: [],
      actions: [],
      degraded: this.offset % 5 === 0 ? [{ what: 'ip_country', policy: 'scored_without' }] : [],
      versions: {
        config_hash: '5f0c1e88a2d4',
        feature_set: 'fs-1',
        model: 'builtin-1',
        rules: 'rs-4',
        policy: 'default-2',
        rates: '2025-01',
        engine_semantics: 1,
      },
      log_position: { log: '3b6a5f0e', partition: this.offset % 4, offset: this.offset },
      latency_us: row.latency_us,
      followed_by: { alert_id: alert?.alert_id ?? null, case_id: null },
      transaction: {
        event_id: row.event_id,
        event_type: 'card_auth',
        event_time: Date.parse(row.event_time) * 1000,
        account_id: row.account_id,
        amount_minor: row.amount_minor,
        currency: row.currency,
        merchant_id: row.merchant_id,
        mcc: 5732,
        channel: 'web',
        entry_mode: 'ecommerce',
        card_country: 'GB',
        ip: '203.0.113.24',
        device_id: `dev-${row.account_id}`,
        attributes: { campaign: 'spring' },
      },
    });
    if (this.details.size > 20000) this.details.delete(this.details.keys().next().value);
  }

  statistics(mode) {
    const wobble = this.random();
    return {
      started_at: this.startedAt.toISOString(),
      uptime_seconds: Math.floor((Date.now() - this.startedAt.getTime()) / 1000),
      transactions: this.offset,
      decisions: { ...this.decisions },
      alerts: this.raised,
      alerts_open: this.raised,
      cases_open: 0,
      rejected: this.rejected,
      repeated: this.repeated,
      conflicts: 0,
      labels: 0,
      transactions_per_second: this.rate,
      latency_us: { p50: 61 + wobble * 8, p99: 170 + wobble * 90, p999: 610 + wobble * 300 },
      declined_amount_minor: this.declinedMinor,
      reference_currency: 'USD',
      log_end: this.offset,
      version: '0.1.0',
      mode,
    };
  }
}
