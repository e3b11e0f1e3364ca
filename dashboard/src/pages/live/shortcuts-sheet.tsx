// The keys of this page.
import { Fragment } from 'react';
import { Sheet } from '../../components/sheet';

const KEYS: readonly { keys: readonly string[]; does: string }[] = [
  { keys: ['space'], does: 'Pause or resume everything on the page' },
  { keys: ['j', 'k'], does: 'Next or previous alert' },
  { keys: ['Enter'], does: 'Open the selected alert' },
  { keys: ['Esc'], does: 'Close, or drop the selection' },
  { keys: ['?'], does: 'Show these keys' },
];

export function ShortcutsSheet({ onClose }: { onClose: () => void }) {
  return (
    <Sheet title="Keyboard shortcuts" onClose={onClose}>
      <dl className="keys">
        {KEYS.map(({ keys, does }) => (
          <div key={does}>
            <dt>
              {keys.map((key, place) => (
                <Fragment key={key}>
                  {place > 0 ? ' ' : ''}
                  <kbd>{key}</kbd>
                </Fragment>
              ))}
            </dt>
            <dd>{does}</dd>
          </div>
        ))}
      </dl>
    </Sheet>
  );
}
