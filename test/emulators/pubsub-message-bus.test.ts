// The message bus's contract on Google's Pub/Sub emulator. What it can't show of the service itself: filters, IAM, push tokens.
import { once } from 'node:events';
import { connect, createServer } from 'node:net';
import type { AddressInfo, Socket } from 'node:net';
import { afterAll, beforeAll } from 'vitest';
import type { Clock } from '@floodgate/core/ports/clock.ts';
import { topics } from '@floodgate/core/ports/message-bus.ts';
import type { RunningEmulator } from '@floodgate/emulators/java-emulator.ts';
import { startPubSubEmulator } from '@floodgate/emulators/pubsub-emulator.ts';
import { connectPubSub } from '@floodgate/gcp/pubsub-client.ts';
import { PubSubMessageBus } from '@floodgate/gcp/pubsub-message-bus.ts';
import { ensurePubSub } from '@floodgate/gcp/resources-pubsub.ts';
import { systemClock } from '@floodgate/system/system-clock.ts';
import { describeMessageBusContract } from '../contract/message-bus.contract.ts';
import { describeWithEmulators } from './support/requirements.ts';

/** The emulator looks for what is due every 2 seconds, when nothing else moves. */
const slackMs = 4_000;
const quietMs = 4_000;
let emulator: RunningEmulator;
let projects = 0;

describeWithEmulators('message bus on Pub/Sub', ['pubsub'], () => {
  beforeAll(async () => {
    emulator = await startPubSubEmulator();
  });
  afterAll(() => emulator[Symbol.asyncDispose]());

  describeMessageBusContract(
    'Pub/Sub on its emulator',
    async () => {
      projects += 1;
      const projectId = `contract-${projects}`;
      const ends: (() => Promise<void>)[] = [];
      return {
        now: () => Date.now(),
        pass: (ms) => systemClock.sleep(ms),
        quiet: (ms) => systemClock.sleep(Math.min(ms, quietMs)),
        async until(done, maxMs = 60_000) {
          for (const endsAt = Date.now() + maxMs; !done(); await systemClock.sleep(5)) {
            if (Date.now() > endsAt) throw new Error(`did not happen within ${maxMs} ms`);
          }
        },
        slackMs,
        // Each a client of its own, as each process has.
        async open({ subscriptions, ordered = false }) {
          const line = await openLine(emulator.host);
          const pubsub = connectPubSub({ projectId, emulators: { pubsub: line.host } });
          const declared = subscriptions.map((spec) => ({ ...spec, ordered }));
          await ensurePubSub(pubsub, topics, declared, projectId, AbortSignal.timeout(10_000));
          const life = mortalClock();
          const bus = new PubSubMessageBus(pubsub, { clock: life.clock });
          let isDead = false;
          ends.push(async () => {
            if (!isDead) await bus[Symbol.asyncDispose]();
            await pubsub.close();
            line.cut();
          });
          return {
            bus,
            die: () => {
              isDead = true;
              life.stop();
              line.cut();
            },
          };
        },
        async [Symbol.asyncDispose]() {
          await Promise.all(ends.map((end) => end()));
        },
      };
    },
    {
      returnedWait: 'Pub/Sub knows no return: a nack is all that can be said',
      deadLettersUncounted: 'Pub/Sub counts where there is a dead-letter policy, and the dead letters have none',
      orderedNeverGivenUp: 'the emulator 0.8.20 breaks the stream of an ordered subscription where it should dead-letter',
      orderedStuckByDeath: 'the emulator 0.8.20 sometimes sends what it should redeliver of an ordered subscription to the stream of the dead',
      hoards: 'the emulator 0.8.20 heeds no flow control: it sends all it has to one stream',
      ownWaits: 'the emulator 0.8.20 redelivers once without a wait, and its waits grow more slowly than by doubling',
      tooSlow: 'five times the least ack deadline of Pub/Sub, which is 10 s',
    },
  );
});

/** The connections of one process: cut, they end as those of a process that was killed. */
async function openLine(host: string): Promise<{ readonly host: string; readonly cut: () => void }> {
  const sockets = new Set<Socket>();
  const server = createServer((near) => {
    const far = connect({ host: '127.0.0.1', port: Number(host.split(':')[1]) });
    for (const [from, to] of [
      [near, far],
      [far, near],
    ] as const) {
      sockets.add(from);
      from.setNoDelay(true);
      from.pipe(to);
      from.on('error', () => to.destroy());
      from.on('close', () => to.destroy());
    }
  });
  server.listen(0, '127.0.0.1');
  await once(server, 'listening');
  return {
    host: `127.0.0.1:${(server.address() as AddressInfo).port}`,
    cut: () => {
      server.close();
      for (const socket of sockets) socket.destroy();
    },
  };
}

/** Of a process that may end: what it waits for then never comes. */
function mortalClock(): { readonly clock: Clock; readonly stop: () => void } {
  let isDead = false;
  return {
    clock: {
      now: () => systemClock.now(),
      sleep: async (ms, signal) => {
        await systemClock.sleep(ms, signal);
        if (isDead) await new Promise<never>(() => undefined);
      },
    },
    stop: () => {
      isDead = true;
    },
  };
}
