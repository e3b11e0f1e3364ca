// Last build step: writes a .gz sibling for each text asset in dist/, restores dist/.gitkeep (the folder is kept
// in the repository while its content is not) and fails when a size budget is exceeded.
import { readdir, readFile, writeFile } from 'node:fs/promises';
import { extname, join, relative } from 'node:path';
import { fileURLToPath } from 'node:url';
import { gzipSync } from 'node:zlib';

const ENTRY_BYTES_MAX = 180 * 1024;
const TOTAL_BYTES_MAX = 350 * 1024;
const TEXT = new Set(['.html', '.js', '.css', '.svg', '.json', '.txt']);

const dist = fileURLToPath(new URL('../dist', import.meta.url));
await writeFile(join(dist, '.gitkeep'), '');

let entry = 0;
let total = 0;
const found = await readdir(dist, { recursive: true, withFileTypes: true });
const files = found.filter((file) => file.isFile()).map((file) => join(file.parentPath, file.name));
for (const file of files.sort()) {
  if (file.endsWith('.gz') || file.endsWith('.gitkeep')) continue;
  const content = await readFile(file);
  let size = content.length;
  if (TEXT.has(extname(file))) {
    const packed = gzipSync(content, { level: 9 });
    size = packed.length;
    await writeFile(`${file}.gz`, packed);
    entry += size;
  }
  total += size;
  console.log(
    `${relative(dist, file).padEnd(52)} ${String(content.length).padStart(8)} B ${String(size).padStart(8)} B served`,
  );
}
const kib = (bytes) => `${(bytes / 1024).toFixed(1)} KiB`;
console.log(
  `entry ${kib(entry)} of ${kib(ENTRY_BYTES_MAX)}, total with fonts ${kib(total)} of ${kib(TOTAL_BYTES_MAX)}`,
);
if (entry > ENTRY_BYTES_MAX || total > TOTAL_BYTES_MAX) {
  console.error('the dashboard is over its size budget');
  process.exit(1);
}
