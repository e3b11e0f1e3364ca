// Starts the dashboard: theme first, so nothing flashes, then the page.
import { QueryClient, QueryClientProvider } from '@tanstack/react-query';
import { StrictMode } from 'react';
import { createRoot } from 'react-dom/client';
import './theme/tokens.css';
import './theme/base.css';
import './components/components.css';
import './shell/shell.css';
import './pages/live/live.css';
import { LiveProvider } from './live/live-context';
import { LivePage } from './pages/live/live-page';
import { Shell } from './shell/shell';
import { applyTheme } from './theme/theme';

applyTheme();

const queries = new QueryClient({
  defaultOptions: { queries: { retry: 1, retryDelay: 500, refetchOnWindowFocus: false } },
});

const root = document.getElementById('root');
if (root === null) throw new Error('index.html has no #root');
createRoot(root).render(
  <StrictMode>
    <QueryClientProvider client={queries}>
      <LiveProvider>
        <Shell>
          <LivePage />
        </Shell>
      </LiveProvider>
    </QueryClientProvider>
  </StrictMode>,
);
