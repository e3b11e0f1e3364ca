// What surrounds every page: the rail with the pages that exist, the top bar, and the skip link.
import { Activity, BookOpenText, Monitor, Moon, Sun } from 'lucide-react';
import type { ReactNode } from 'react';
import { useStatistics } from '../live/use-statistics';
import { type Choice, cycleTheme, useTheme } from '../theme/theme';
import { LiveIndicator } from './live-indicator';

const THEME_WORDS: Record<Choice, string> = {
  system: 'System theme',
  dark: 'Dark theme',
  light: 'Light theme',
};
const THEME_ICONS: Record<Choice, typeof Sun> = { system: Monitor, dark: Moon, light: Sun };

function ThemeToggle() {
  const { choice } = useTheme();
  const Icon = THEME_ICONS[choice];
  return (
    <button
      type="button"
      className="icon-button"
      aria-label={`${THEME_WORDS[choice]}, switch`}
      title={`${THEME_WORDS[choice]} – click to switch`}
      onClick={cycleTheme}
    >
      <Icon size={16} aria-hidden="true" />
    </button>
  );
}

function Mark() {
  return (
    <svg viewBox="0 0 32 32" width="24" height="24" aria-hidden="true" className="tone-accent">
      <g fill="none" stroke="currentColor" strokeWidth="2.5" strokeLinecap="round" strokeLinejoin="round">
        <path d="M10 2h12l8 8v12l-8 8H10l-8-8V10z" />
        <path d="M7 17h4l3-7 4 13 3-6h4" />
      </g>
    </svg>
  );
}

export function Shell({ children }: { children: ReactNode }) {
  const { data } = useStatistics();
  return (
    <div className="shell">
      <a className="skip-link" href="#content">
        Skip to content
      </a>
      <aside className="rail" aria-label="Stream Sentinel">
        <div className="brand">
          <Mark />
          <span className="rail-word">Stream Sentinel</span>
        </div>
        <nav aria-label="Pages">
          <ul>
            <li>
              <a className="rail-item" href="/" aria-current="page" title="Live">
                <Activity size={16} aria-hidden="true" />
                <span className="rail-word">Live</span>
              </a>
            </li>
          </ul>
        </nav>
        <span className="grow" />
        <nav aria-label="Reference">
          <a className="rail-item" href="/docs" title="API docs">
            <BookOpenText size={16} aria-hidden="true" />
            <span className="rail-word">API docs</span>
          </a>
        </nav>
        <p className="rail-foot caption mono">{data ? `v${data.version}` : ''}</p>
      </aside>
      <header className="top-bar">
        <LiveIndicator />
        {data?.mode === 'demo' ? (
          <span className="tag" title="The numbers come from the built-in simulator, not from your systems">
            Demo data
          </span>
        ) : null}
        <span className="grow" />
        <ThemeToggle />
      </header>
      <main id="content" className="content" tabIndex={-1}>
        {children}
      </main>
    </div>
  );
}
