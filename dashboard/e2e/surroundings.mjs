// What a browser run needs around it: a server as a child process, found by the address it prints and stopped by its
// process id, and a Chromium that asks nothing of the outside world.
import { spawn } from 'node:child_process';
import { chromium } from 'playwright-core';

const START_MS_MAX = 30_000;
const STOP_MS_MAX = 5_000;

/** Resolves once a line of stdout holds the address; rejects when the process ends or stays silent. */
export function startServer(command, args) {
  const child = spawn(command, args, { stdio: ['ignore', 'pipe', 'pipe'] });
  let out = '';
  let errors = '';
  const ended = new Promise((resolve) => {
    child.once('exit', (code, signal) => resolve({ code, signal }));
    child.once('error', (error) => resolve({ code: null, signal: null, error }));
  });
  const kill = () => {
    if (child.exitCode === null && child.signalCode === null) child.kill('SIGKILL');
  };
  process.once('exit', kill);

  const stop = async () => {
    const startedAt = performance.now();
    child.kill('SIGINT');
    const late = new Promise((resolve) => setTimeout(resolve, STOP_MS_MAX, null).unref());
    const end = await Promise.race([ended, late]);
    if (end === null) kill();
    process.off('exit', kill);
    return {
      code: end?.code ?? null,
      signal: end?.signal ?? null,
      tookMs: performance.now() - startedAt,
      late: end === null,
    };
  };
  const log = () => `${out.slice(-2000)}\n${errors.slice(-2000)}`.trim();

  return new Promise((resolve, reject) => {
    const giveUp = setTimeout(() => {
      kill();
      reject(new Error(`no address on stdout within ${START_MS_MAX / 1000} s\n${log()}`));
    }, START_MS_MAX);
    child.stdout.setEncoding('utf8').on('data', (text) => {
      out += text;
      const address = out.match(/http:\/\/127\.0\.0\.1:\d+/)?.[0];
      // The digits may still be arriving: wait for whatever follows them.
      if (address && out.length > out.indexOf(address) + address.length) {
        clearTimeout(giveUp);
        resolve({ address, process: child, startedAtMs: performance.now(), stop, kill, log });
      }
    });
    child.stderr.setEncoding('utf8').on('data', (text) => {
      errors += text;
    });
    ended.then((end) => {
      clearTimeout(giveUp);
      reject(
        new Error(`the server ended early (${end.error?.message ?? `exit code ${end.code}`})\n${log()}`),
      );
    });
  });
}

export function launchBrowser() {
  return chromium.launch({
    executablePath: process.env.CHROMIUM ?? '/usr/bin/chromium',
    args: [
      '--headless',
      '--no-sandbox',
      '--disable-gpu',
      '--disable-quic',
      '--no-first-run',
      '--disable-background-networking',
      '--disable-component-update',
      '--disable-sync',
    ],
  });
}
