import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { mkdtemp, rm } from 'node:fs/promises';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { createInterface } from 'node:readline';
import { expect, test } from 'vitest';
import { openEngine } from './engine.ts';

test('what was answered as done is there after kill -9, and nothing of a transaction that was open', async () => {
  const folder = await mkdtemp(join(tmpdir(), 'engine-'));
  try {
    const child = spawn(process.execPath, [join(import.meta.dirname, 'durability.fixture.ts'), folder], { stdio: ['ignore', 'pipe', 'inherit'] });
    let [result, answered] = ['', 0];
    for await (const line of createInterface({ input: child.stdout })) {
      if (line.startsWith('result ')) result = line.slice('result '.length);
      if (line.startsWith('row ')) answered = Number(line.slice('row '.length));
      if (answered === 20) child.kill('SIGKILL');
    }
    if (child.exitCode === null && child.signalCode === null) await once(child, 'exit');
    expect(child.signalCode).toBe('SIGKILL');
    await using engine = await openEngine({ folder, clock: { now: () => 2_000 } });
    const read = (datasetId: string, tableId: string) => engine.tables.read({ projectId: 'p', datasetId, tableId }, { startIndex: 0, maxRows: 10_000 });
    const rows = (await read('d', 't')).rows.map(([n]) => Number(n));
    expect(rows.length).toBeGreaterThanOrEqual(answered);
    expect(rows).toEqual(Array.from(rows, (_, index) => index + 1));
    expect((await read('_anonymous', result)).rows).toEqual([['42']]);
    expect(engine.datasets.list('p')).toMatchObject([{ datasetId: 'd', properties: { labels: { k: 'v' } }, createdAt: 1_000 }]);
    expect(engine.tables.get({ projectId: 'p', datasetId: 'd', tableId: 't' })).toMatchObject({ schema: { fields: [{ name: 'n', mode: 'REQUIRED' }] } });
    // New tables take no place that is taken.
    await engine.tables.create({
      projectId: 'p',
      datasetId: 'd',
      tableId: 'u',
      schema: { fields: [{ name: 'n', type: 'INTEGER', mode: 'NULLABLE' }] },
      requirePartitionFilter: false,
      properties: {},
    });
    expect((await read('d', 't')).totalRows).toBe(rows.length);
  } finally {
    await rm(folder, { recursive: true });
  }
});
