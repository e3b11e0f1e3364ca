// A risk tier as shape and word. The shape is the same in every theme and for every eye.
import type { Open, Tier } from '../api/wire';
import { type Shape, tierLook } from '../risk/tiers';

const SHAPES: Record<Shape, React.ReactNode> = {
  ring: <circle cx="6" cy="6" r="3.25" fill="none" stroke="currentColor" strokeWidth="1.5" />,
  dash: <path d="M1.5 6h9" stroke="currentColor" strokeWidth="2.5" strokeLinecap="round" />,
  caret: (
    <path
      d="M1.5 8.75 6 3.5l4.5 5.25"
      fill="none"
      stroke="currentColor"
      strokeWidth="2.25"
      strokeLinecap="round"
      strokeLinejoin="round"
    />
  ),
  triangle: <path d="M6 1 11.5 10.75H.5Z" fill="currentColor" />,
  octagon: <path d="M3.6.5h4.8l3.1 3.1v4.8l-3.1 3.1H3.6L.5 8.4V3.6Z" fill="currentColor" />,
  diamond: <path d="M6 1.25 10.75 6 6 10.75 1.25 6Z" fill="none" stroke="currentColor" strokeWidth="1.5" />,
};

export function TierBadge({ tier }: { tier: Open<Tier> }) {
  const look = tierLook(tier);
  return (
    <span className={`badge tone-${look.tone}`}>
      <svg viewBox="0 0 12 12" width="12" height="12" aria-hidden="true" data-shape={look.shape}>
        {SHAPES[look.shape]}
      </svg>
      {look.word}
    </span>
  );
}
