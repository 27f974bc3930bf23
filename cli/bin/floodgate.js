#!/usr/bin/env node
// The `floodgate` command. Plain JavaScript that any Node runs: Floodgate needs Node 24 (it runs TypeScript as it stands),
// and `npm ci` brings one along, so an older Node on the PATH hands over to that one.
import { spawn } from 'node:child_process';
import { existsSync } from 'node:fs';
import { constants } from 'node:os';
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';

const wanted = 24;
const main = fileURLToPath(new URL('../src/main.ts', import.meta.url));

/** Node of the project: node_modules/node/bin/node beside or above this file. */
function findNode() {
  const name = process.platform === 'win32' ? 'node.exe' : 'node';
  for (let folder = dirname(main); ; folder = dirname(folder)) {
    const candidate = join(folder, 'node_modules', 'node', 'bin', name);
    if (existsSync(candidate)) return candidate;
    if (dirname(folder) === folder) return undefined;
  }
}

if (Number(process.versions.node.split('.')[0]) >= wanted) {
  await import(new URL('../src/main.ts', import.meta.url).href);
} else {
  const node = findNode();
  if (node === undefined) {
    process.stderr.write(
      `floodgate needs Node ${wanted} or newer, found ${process.version}, and no newer one in node_modules.\nRun \`npm ci\` in the project (it brings Node ${wanted} along), or install Node ${wanted} from https://nodejs.org.\n`,
    );
    process.exit(4);
  }
  const child = spawn(node, [main, ...process.argv.slice(2)], { stdio: 'inherit' });
  // A terminal sends Ctrl-C to both; anything else (kill, a supervisor) reaches this process alone and is passed on. The
  // child decides when to end, so this process only waits.
  process.on('SIGINT', () => undefined);
  for (const signal of ['SIGTERM', 'SIGHUP', 'SIGUSR1', 'SIGUSR2']) process.on(signal, () => child.kill(signal));
  child.on('error', (error) => {
    process.stderr.write(`floodgate could not start ${node}: ${error.message}\n`);
    process.exit(4);
  });
  child.on('exit', (code, signal) => process.exit(code ?? 128 + (constants.signals[signal] ?? 0)));
}
