// Feeds the page's live region: what arrived, at most once in ten seconds, and nothing while paused.
import { useEffect, useRef, useState } from 'react';
import { type Announcer, heard, quietAnnouncer, speak } from '../../live/announcer';
import { useLive } from '../../live/live-context';

export function useAnnouncements(): string {
  const { stream, pausedAtMs } = useLive();
  const announcer = useRef<Announcer>(quietAnnouncer);
  const [sentence, setSentence] = useState('');
  useEffect(
    () =>
      stream.listen((event) => {
        if (event.kind === 'alerts') announcer.current = heard(announcer.current, event.items);
      }),
    [stream],
  );
  const paused = pausedAtMs !== null;
  useEffect(() => {
    if (paused) return;
    const timer = window.setInterval(() => {
      const spoken = speak(announcer.current, Date.now());
      announcer.current = spoken.announcer;
      if (spoken.sentence !== null) setSentence(spoken.sentence);
    }, 1000);
    return () => window.clearInterval(timer);
  }, [paused]);
  return sentence;
}
