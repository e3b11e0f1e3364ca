// Builds the dashboard into dist/, which the binary embeds; in development it forwards /api to a running server.
import react from '@vitejs/plugin-react';
import { defineConfig } from 'vitest/config';

const server = process.env.SENTINEL_URL ?? 'http://127.0.0.1:8000';

export default defineConfig({
  plugins: [react()],
  build: {
    target: 'es2022',
    // A data: URL would break the content security policy, so nothing is inlined.
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
  },
  server: { proxy: { '/api': { target: server, ws: true }, '/docs': server } },
  test: {
    environment: 'happy-dom',
    include: ['src/**/*.test.{ts,tsx}'],
    restoreMocks: true,
    // The palette test reads the tokens as they ship.
    css: { include: [/tokens\.css/] },
  },
});
