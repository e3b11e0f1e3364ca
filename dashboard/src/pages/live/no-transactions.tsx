// The first thing a new installation sees: why the page is empty, and the two ways to change that.
import { Inbox } from 'lucide-react';
import { CopyButton } from '../../components/copy-button';

const DEMO = 'sentinel demo';

function example(origin: string): string {
  return [
    `curl -X POST ${origin}/api/v1/decisions \\`,
    "  -H 'content-type: application/json' \\",
    `  -d '{"event_id":"first-1","event_type":"card_auth","event_time":${Date.now() * 1000},`,
    `       "account_id":"acct-1","amount_minor":1999,"currency":"USD"}'`,
  ].join('\n');
}

export function NoTransactions() {
  const post = example(window.location.origin);
  return (
    <section className="panel nothing" aria-labelledby="nothing-title">
      <Inbox size={28} aria-hidden="true" className="muted" />
      <h2 id="nothing-title">No transactions yet</h2>
      <p className="muted">This page fills by itself as soon as the first transaction is decided.</p>
      <div className="nothing-way">
        <h3>See it with simulated traffic</h3>
        <div className="command">
          <pre>{DEMO}</pre>
          <CopyButton text={DEMO} what="the command" />
        </div>
      </div>
      <div className="nothing-way">
        <h3>Or send one of your own</h3>
        <div className="command">
          <pre>{post}</pre>
          <CopyButton text={post} what="the request" />
        </div>
      </div>
    </section>
  );
}
