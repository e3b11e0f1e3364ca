// What the page shows instead of data it could not get: what happened, the detail, the trace id, and Retry.
import { RotateCw, TriangleAlert } from 'lucide-react';
import { RequestFailure } from '../api/client';

export function ProblemPanel({ error, onRetry }: { error: unknown; onRetry: () => void }) {
  const failure = error instanceof RequestFailure ? error : null;
  const detail = failure?.detail ?? (error instanceof Error ? error.message : 'No further detail is known.');
  return (
    <div className="problem" role="alert">
      <TriangleAlert size={20} aria-hidden="true" className="tone-amber" />
      <div>
        <h2>{failure?.title ?? 'Something went wrong'}</h2>
        <p className="muted">{detail}</p>
        {failure?.traceId ? (
          <p className="caption">
            Trace id <code>{failure.traceId}</code>
          </p>
        ) : null}
      </div>
      <button type="button" className="button" onClick={onRetry}>
        <RotateCw size={14} aria-hidden="true" />
        Retry
      </button>
    </div>
  );
}
