// What the simulated bus keeps: each message once per subscription, its subscribers, and what these have in hand.
import type { Delivery, SubscriptionSpec, Verdict } from '@floodgate/core/ports/message-bus.ts';
import type { Random } from './random.ts';
import type { SimulatedProcess } from './simulated-process.ts';

export type BusMessage = Pick<Delivery, 'topic' | 'attributes' | 'data'> & { readonly orderingKey?: string };

/** A message as one subscription has it. */
export type Copy = {
  readonly queue: Queue;
  readonly message: BusMessage;
  readonly arrivesAt: number;
  /** Deliveries so far. */
  attempts: number;
  /** The latest delivery, while the bus thinks that it is worked on; undefined while it is on its way, waits or is ready. */
  holder: Running | undefined;
  isDone: boolean;
};

export type Queue = {
  readonly spec: SubscriptionSpec;
  readonly consumers: Set<Consumer>;
  /** To be delivered as soon as somebody has room. */
  readonly ready: Set<Copy>;
  /** By ordering key, in the order of publishing; only the first of each is on its way. */
  readonly keys: Map<string, Copy[]>;
};

export type Consumer = {
  readonly queue: Queue;
  readonly member: Member;
  readonly handler: (delivery: Delivery) => Promise<Verdict>;
  readonly maxOutstanding: number;
  /** Everything whose handler runs, also what has expired since. */
  readonly running: Set<Running>;
  /** One for all deliveries: they are only ever aborted together. */
  readonly abort: AbortController;
  /** Aborted when nothing runs any more. */
  readonly idle: AbortController;
  isStopping: boolean;
};

export type Running = {
  readonly copy: Copy;
  readonly consumer: Consumer;
  readonly delivery: Delivery;
  readonly deliveredAt: number;
  /** Its handler has ended, or nobody hears its verdict any more. */
  isOver: boolean;
};

/** A process with subscribers. */
export type Member = {
  readonly process: SimulatedProcess;
  readonly consumers: Set<Consumer>;
  heardAt: number;
  askedAt: number;
  /** Its last heartbeat is missing: it gets nothing new. */
  isSilent: boolean;
};

const hasRoom = ({ member, running, maxOutstanding, isStopping }: Consumer): boolean =>
  !isStopping && running.size < maxOutstanding && !member.isSilent && !member.process.isDead;

/** One of those who can take another message, by chance. */
export const chooseConsumer = ({ consumers }: Queue, random: Random): Consumer | undefined => {
  let able = 0;
  let last: Consumer | undefined;
  for (const consumer of consumers) {
    if (!hasRoom(consumer)) continue;
    able += 1;
    last = consumer;
  }
  if (able <= 1) return last;
  let skip = random.int(0, able - 1);
  for (const consumer of consumers) {
    if (!hasRoom(consumer)) continue;
    if (skip === 0) return consumer;
    skip -= 1;
  }
  return undefined;
};
