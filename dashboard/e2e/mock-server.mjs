// Speaks the server's contract with made-up data, so that the dashboard can be built and tested without the binary.
// Serves dist/ with the same content security policy. Test tool only, never shipped.
//
//   node e2e/mock-server.mjs [--port N] [--rate PER_SECOND] [--scenario normal|empty|error|drop|silent]
import { createHash } from 'node:crypto';
import { readFile } from 'node:fs/promises';
import { createServer } from 'node:http';
import { extname, join, normalize } from 'node:path';
import { fileURLToPath } from 'node:url';
import { parseArgs } from 'node:util';
import { Traffic } from './mock-data.mjs';

const { values } = parseArgs({
  options: {
    port: { type: 'string', default: '0' },
    rate: { type: 'string', default: '140' },
    scenario: { type: 'string', default: 'normal' },
  },
});
const rate = Number(values.rate);
const { scenario } = values;
const dist = fileURLToPath(new URL('../dist', import.meta.url));
const traffic = new Traffic(7);
const sockets = new Set();
const MIME = {
  '.html': 'text/html; charset=utf-8',
  '.js': 'text/javascript',
  '.css': 'text/css',
  '.svg': 'image/svg+xml',
  '.woff2': 'font/woff2',
};

function json(response, status, body) {
  const type = status < 400 ? 'application/json' : 'application/problem+json';
  response.writeHead(status, { 'content-type': type }).end(JSON.stringify(body));
}

function problem(response, status, title, detail) {
  json(response, status, {
    type: 'about:blank',
    status,
    title,
    detail,
    trace_id: '4bf92f3577b34da6a3ce929d0e0e4736',
  });
}

let dropped = false;

function api(url, response) {
  if (scenario === 'error' || dropped)
    return problem(response, 503, 'The engine is not ready', 'The log is still being read.');
  const { pathname, searchParams } = url;
  if (pathname === '/api/v1/statistics') return json(response, 200, traffic.statistics('demo'));
  if (pathname === '/api/v1/alerts') {
    const limit = Number(searchParams.get('limit') ?? 100);
    return json(response, 200, {
      items: traffic.alerts.slice(0, limit),
      next_cursor: null,
      total_estimate: traffic.alerts.length,
    });
  }
  const decision = pathname.match(/^\/api\/v1\/decisions\/([^/]+)$/)?.[1];
  if (decision && traffic.details.has(decision)) return json(response, 200, traffic.details.get(decision));
  return problem(response, 404, 'Not found', `${pathname} does not exist.`);
}

async function file(url, response) {
  const path = normalize(url.pathname).replace(/^(\.\.[/\\])+/, '');
  for (const candidate of [path, '/index.html']) {
    try {
      const content = await readFile(join(dist, candidate));
      response.writeHead(200, {
        'content-type': MIME[extname(candidate)] ?? 'application/octet-stream',
        'content-security-policy': "default-src 'self'; frame-ancestors 'none'",
      });
      return response.end(content);
    } catch {
      // Unknown paths fall through to the page itself.
    }
  }
  return problem(response, 404, 'The dashboard is not built', 'Run npm run build first.');
}

const server = createServer((request, response) => {
  const url = new URL(request.url, 'http://mock.invalid');
  if (url.pathname.startsWith('/api/')) api(url, response);
  else void file(url, response);
});

function frame(text, opcode = 1) {
  const payload = Buffer.from(text);
  let head;
  if (payload.length < 126) head = Buffer.from([0x80 | opcode, payload.length]);
  else if (payload.length < 65536) {
    head = Buffer.alloc(4);
    head.writeUInt8(0x80 | opcode, 0);
    head.writeUInt8(126, 1);
    head.writeUInt16BE(payload.length, 2);
  } else {
    head = Buffer.alloc(10);
    head.writeUInt8(0x80 | opcode, 0);
    head.writeUInt8(127, 1);
    head.writeBigUInt64BE(BigInt(payload.length), 2);
  }
  return Buffer.concat([head, payload]);
}

server.on('upgrade', (request, socket) => {
  const refused = request.url !== '/api/v1/ws' || request.headers['sec-websocket-protocol'] !== 'sentinel.v1';
  if (refused || dropped || scenario === 'error') {
    socket.end('HTTP/1.1 503 Service Unavailable\r\n\r\n');
    return;
  }
  const accept = createHash('sha1')
    .update(`${request.headers['sec-websocket-key']}258EAFA5-E914-47DA-95CA-C5AB0DC85B11`)
    .digest('base64');
  socket.write(
    `HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nSec-WebSocket-Accept: ${accept}\r\nSec-WebSocket-Protocol: sentinel.v1\r\n\r\n`,
  );
  // The client's subscribe message is masked; whatever it says, this server sends all three topics.
  socket.on('data', (bytes) => {
    if ((bytes[0] & 0x0f) === 8) socket.end(frame('', 8));
  });
  socket.on('error', () => sockets.delete(socket));
  socket.on('close', () => sockets.delete(socket));
  sockets.add(socket);
  if (scenario === 'drop') {
    setTimeout(() => {
      dropped = true;
      socket.destroy();
    }, 4000);
  }
});

let sequence = 0;
function send(topic, data) {
  if (scenario === 'silent') return;
  const bytes = frame(JSON.stringify({ type: 'event', topic, seq: sequence++, data }));
  for (const socket of sockets) socket.write(bytes);
}

function tick() {
  if (scenario !== 'empty') {
    const swing = 1 + 0.3 * Math.sin(Date.now() / 20_000) + (traffic.random() - 0.5) * 0.2;
    const count = Math.max(1, Math.round((rate / 4) * swing));
    traffic.rate = count * 4;
    const made = Array.from({ length: count }, () => traffic.next());
    const items = made.slice(-20).map((entry) => entry.row);
    send('decisions', { items: items.reverse(), skipped: Math.max(0, count - 20) });
    const alerts = made.map((entry) => entry.alert).filter(Boolean);
    if (alerts.length > 0) send('alerts', { items: alerts });
  }
  send('statistics', traffic.statistics('demo'));
}

const ticking = setInterval(tick, 250);
const pinging = setInterval(() => {
  for (const socket of sockets) socket.write(frame('', 9));
}, 20_000);

process.on('SIGINT', () => {
  clearInterval(ticking);
  clearInterval(pinging);
  for (const socket of sockets) socket.destroy();
  server.close(() => process.exit(0));
  server.closeAllConnections();
});

server.listen(Number(values.port), '127.0.0.1', () => {
  console.log(`dashboard at http://127.0.0.1:${server.address().port} (${scenario})`);
});
