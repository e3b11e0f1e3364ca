// A verdict as icon and word, in the text colour: the tier beside it carries the hue.
import { Ban, Check, CircleHelp, Eye, MessageCircleQuestion } from 'lucide-react';
import type { Decision, Open } from '../api/wire';
import { verdictLook } from '../risk/tiers';

const ICONS: Record<Decision, typeof Check> = {
  approve: Check,
  challenge: MessageCircleQuestion,
  review: Eye,
  decline: Ban,
};

export function VerdictIcon({ decision }: { decision: Open<Decision> }) {
  const Icon = Object.hasOwn(ICONS, decision) ? ICONS[decision as Decision] : CircleHelp;
  return <Icon size={13} strokeWidth={2.25} aria-hidden="true" />;
}

export function VerdictBadge({ decision }: { decision: Open<Decision> }) {
  return (
    <span className={decision === 'approve' ? 'badge muted' : 'badge'}>
      <VerdictIcon decision={decision} />
      {verdictLook(decision).word}
    </span>
  );
}
