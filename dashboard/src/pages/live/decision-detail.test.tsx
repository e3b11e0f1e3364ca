// The detail of a decision: signed reasons, only the rules that spoke, evidence and fields written out.
import { cleanup, render, screen, within } from '@testing-library/react';
import { afterEach, expect, it } from 'vitest';
import type { DecisionDetail } from '../../api/wire';
import { DecisionDetailView } from './decision-detail';
import { fieldsOf } from './detail-values';

afterEach(cleanup);

const decision: DecisionDetail = {
  decision_id: 'dec_1',
  event_id: 'evt-1',
  decision: 'decline',
  score: 912,
  probability: 0.81,
  risk: 0.9125,
  confidence: 0.64,
  tier: 'critical',
  reasons: [
    { code: 'velocity', text: '12 payments in 60 s', contribution: 2.4 },
    { code: 'account_age', text: 'Long-standing account', contribution: -0.5 },
  ],
  rules: [
    { rule_id: 'velocity-account', version: 3, outcome: 'hit', points: 0, evidence: { count_60s: 12 } },
    { rule_id: 'quiet-rule', version: 1, outcome: 'no_hit', points: 0, evidence: {} },
  ],
  models: [{ model_id: 'builtin', version: '1', score: 912, role: 'champion' }],
  lists: [],
  actions: [],
  degraded: [{ what: 'ip_country', policy: 'scored_without' }],
  versions: { config_hash: 'abc', rules: 'rs-1' },
  log_position: { log: 'main', partition: 2, offset: 77 },
  latency_us: 84,
  followed_by: { alert_id: 'alr_1', case_id: null },
  transaction: { account_id: 'acct-1', merchant_id: 'mer-1', amount_minor: 1999, currency: 'JPY' },
};

it('shows reasons with signs, rules that spoke with evidence, ids, position and what was degraded', () => {
  const { container } = render(<DecisionDetailView decision={decision} />);
  expect([...container.querySelectorAll('.reasons li')].map((item) => item.textContent)).toEqual([
    '12 payments in 60 s velocity+2.40',
    'Long-standing account account_age−0.50',
  ]);
  expect(screen.queryByText('quiet-rule')).toBeNull();
  const rules = container.querySelector<HTMLElement>('.rules');
  expect(rules && within(rules).getByText('count_60s')).toBeTruthy();
  for (const text of [
    'dec_1',
    'evt-1',
    'alr_1',
    'main/2/77',
    'abc',
    'ip_country',
    'Critical',
    'Decline',
    '84 µs',
    '64 %',
  ]) {
    expect(screen.getAllByText(text).length).toBeGreaterThan(0);
  }
  expect(screen.getAllByText('1,999 JPY').length).toBeGreaterThan(0);
  expect(screen.getByRole('button', { name: 'Copy Decision id' })).toBeTruthy();
});

it('says above all else that a person decided otherwise, and nothing of it where nobody has', () => {
  const { container, unmount } = render(<DecisionDetailView decision={decision} />);
  expect(container.textContent).not.toContain('Overridden');
  unmount();
  const overridden_by = {
    verdict: 'approve',
    by: 'j.doe',
    reason: 'confirmed by phone',
    at: '2026-11-22T07:15:00Z',
  };
  const { container: again } = render(<DecisionDetailView decision={{ ...decision, overridden_by }} />);
  expect(again.querySelector('.detail')?.firstElementChild?.textContent).toMatch(
    /^Overridden: Approve by j\.doe, 2026-11-2.*: confirmed by phone$/,
  );
});

it('writes money and instants out, flattens maps and drops what is absent', () => {
  const fields = fieldsOf({
    amount_minor: 1050,
    currency: 'USD',
    billing_amount_minor: 5,
    event_time: 1_700_000_000_000_000,
    merchant_id: null,
    attributes: { campaign: 'spring', first: true },
  });
  expect(fields.map((field) => field.name)).toEqual([
    'amount',
    'currency',
    'billing_amount_minor',
    'event_time',
    'attributes.campaign',
    'attributes.first',
  ]);
  expect(fields[0]?.text).toBe('10.50 USD');
  expect(fields[2]?.text).toBe('5');
  expect(fields[3]?.text).toMatch(/^2023-11-1/);
});
