// The head of a live list: its name, why it stands still, and the pill with what is waiting.
import { ArrowUp } from 'lucide-react';
import type { ReactNode } from 'react';
import { formatCount } from '../../format/number';

interface ListHeadProps {
  title: string;
  id: string;
  note: ReactNode;
  held: boolean;
  waitingCount: number;
  onShow: () => void;
}

export function ListHead({ title, id, note, held, waitingCount, onShow }: ListHeadProps) {
  return (
    <header className="panel-head">
      <h2 id={id}>{title}</h2>
      <span className="caption clip">{note}</span>
      <span className="grow" />
      {held && waitingCount === 0 ? <span className="caption">holding still</span> : null}
      {waitingCount > 0 ? (
        <button type="button" className="pill" onClick={onShow}>
          <ArrowUp size={13} aria-hidden="true" />
          {formatCount(waitingCount)} new
        </button>
      ) : null}
    </header>
  );
}
