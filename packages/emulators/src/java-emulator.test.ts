import { spawn } from 'node:child_process';
import { once } from 'node:events';
import { createServer } from 'node:http';
import type { AddressInfo } from 'node:net';
import type { Readable } from 'node:stream';
import { createInterface } from 'node:readline';
import { expect, it, vi } from 'vitest';
import { describeWithEmulators } from '../../../test/emulators/support/requirements.ts';
import { startJavaEmulator } from './java-emulator.ts';
import { startPubSubEmulator } from './pubsub-emulator.ts';

const isAnswered = async (host: string): Promise<boolean> =>
  fetch(`http://${host}/`, { signal: AbortSignal.timeout(2_000) }).then(
    () => true,
    () => false,
  );

const firstLine = async (stream: Readable): Promise<string> => {
  for await (const line of createInterface({ input: stream })) return line;
  throw new Error('the process said nothing');
};

const waitUntilSilent = async (host: string): Promise<void> => {
  while (await isAnswered(host));
};

describeWithEmulators('an emulator of the Cloud SDK', ['pubsub'], () => {
  vi.setConfig({ testTimeout: 60_000 });

  it('answers when it has started, and is gone when it was ended', async () => {
    const emulator = await startPubSubEmulator();
    expect(await isAnswered(emulator.host)).toBe(true);
    await emulator[Symbol.asyncDispose]();
    expect(await isAnswered(emulator.host)).toBe(false);
    await emulator.ended;
  });

  it('ends with the process that started it, even by kill -9', async () => {
    const program = `
      import { startPubSubEmulator } from ${JSON.stringify(new URL('pubsub-emulator.ts', import.meta.url).href)};
      const { host } = await startPubSubEmulator();
      console.log(host);
      setInterval(() => undefined, 1000);`;
    const owner = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    const host = await firstLine(owner.stdout);
    expect(await isAnswered(host)).toBe(true);
    owner.kill('SIGKILL');
    await once(owner, 'exit');
    await waitUntilSilent(host);
  });

  it('does not keep alive a process that has nothing else to do', async () => {
    const program = `
      import { startPubSubEmulator } from ${JSON.stringify(new URL('pubsub-emulator.ts', import.meta.url).href)};
      console.log((await startPubSubEmulator()).host);`;
    const owner = spawn(process.execPath, ['--input-type=module', '--eval', program], { stdio: ['ignore', 'pipe', 'inherit'] });
    const host = await firstLine(owner.stdout);
    if (owner.exitCode === null) await once(owner, 'exit');
    expect(owner.exitCode).toBe(0);
    await waitUntilSilent(host);
  });

  it('says what it said when it does not start', async () => {
    const taken = createServer((_, response) => response.end()).listen(0, '127.0.0.1');
    await once(taken, 'listening');
    // Whoever has the port answers: that must not be taken for the emulator.
    const { port } = taken.address() as AddressInfo;
    await expect(startPubSubEmulator({ port })).rejects.toMatchObject({
      code: 'emulator_not_started',
      message: expect.stringMatching(new RegExp(`on port ${port}: it failed; it said: .*Address already in use`, 's')),
    });
    taken.close();
  });

  it('says how to get an emulator that is not there', async () => {
    await expect(
      startJavaEmulator({ name: 'no emulator', program: 'no-emulator/bin/none', args: () => [], readyText: '', readyPath: '/' }),
    ).rejects.toMatchObject({
      code: 'emulator_missing',
      message: expect.stringContaining('platform/no-emulator/bin/none is in no Cloud SDK of this machine'),
      hint: expect.stringContaining('gcloud components install pubsub-emulator cloud-firestore-emulator'),
    });
  });
});
