// Which processes the bus takes for alive. While a process has deliveries its client extends them: here by one heartbeat for all
// that it has. Who dies or stands still is missed only when the ack deadline after his last heartbeat is over.
import type { Member, Queue, Running } from './simulated-bus-queue.ts';
import type { BusTimers } from './simulated-bus-timers.ts';
import type { SimulatedClock } from './simulated-clock.ts';
import type { SimulatedProcess } from './simulated-process.ts';

export type HeartbeatsOptions = {
  readonly clock: SimulatedClock;
  readonly timers: BusTimers;
  /** A subscriber of this queue, missed before, is back. */
  readonly onHeard: (queue: Queue) => void;
  /** The process of this delivery is dead; the bus would notice in `noticedMs`. */
  readonly onDeath: (running: Running, noticedMs: number) => void;
  /** The ack deadline is over. The process stands still, and may go on with it later. */
  readonly onExpired: (running: Running) => void;
};

/** Heartbeats per ack deadline: two in a row may be missed. */
const perDeadline = 3;

const isBusy = ({ consumers }: Member): boolean => {
  for (const { running } of consumers) if (running.size > 0) return true;
  return false;
};

/** How long this delivery lives on should its process not be heard of again. */
const leaseLeftMs = ({ consumer, deliveredAt }: Running, now: number): number =>
  Math.max(consumer.member.heardAt, deliveredAt) + consumer.queue.spec.ackDeadlineMs - now;

export class Heartbeats {
  readonly #options: HeartbeatsOptions;
  readonly #members = new Map<SimulatedProcess, Member>();
  #everyMs = Number.POSITIVE_INFINITY;
  #isBeating = false;

  constructor(options: HeartbeatsOptions) {
    this.#options = options;
  }

  /** There is a subscription with this ack deadline. */
  quicken(ackDeadlineMs: number): void {
    this.#everyMs = Math.min(this.#everyMs, ackDeadlineMs / perDeadline);
  }

  memberOf(process: SimulatedProcess): Member {
    const known = this.#members.get(process);
    if (known !== undefined) return known;
    const now = this.#options.clock.now();
    const member: Member = { process, consumers: new Set(), heardAt: now, askedAt: now, isSilent: false };
    this.#members.set(process, member);
    void process.death.then(() => this.#bury(member));
    return member;
  }

  /** A delivery begins. The beats end by themselves when none is left. */
  begin(): void {
    if (this.#isBeating) return;
    this.#isBeating = true;
    this.#options.timers.after(this.#everyMs, () => this.#beat());
  }

  #beat(): void {
    const now = this.#options.clock.now();
    this.#isBeating = false;
    for (const member of this.#members.values()) {
      if (!isBusy(member)) continue;
      this.begin();
      // Asked at a beat before, and no answer since.
      member.isSilent = member.heardAt < member.askedAt;
      if (member.isSilent) this.#expire(member, now);
      else this.#ask(member, now);
    }
  }

  #ask(member: Member, now: number): void {
    member.askedAt = now;
    void member.process.receive(undefined).then(() => {
      member.heardAt = this.#options.clock.now();
      if (!member.isSilent) return;
      member.isSilent = false;
      for (const { queue } of member.consumers) this.#options.onHeard(queue);
    });
  }

  #expire({ consumers }: Member, now: number): void {
    for (const { running } of consumers) {
      for (const late of running) if (late.copy.holder === late && leaseLeftMs(late, now) <= 0) this.#options.onExpired(late);
    }
  }

  #bury(member: Member): void {
    const now = this.#options.clock.now();
    this.#members.delete(member.process);
    for (const { queue, running } of member.consumers) {
      for (const consumer of queue.consumers) if (consumer.member === member) queue.consumers.delete(consumer);
      for (const lost of running) this.#options.onDeath(lost, Math.max(0, leaseLeftMs(lost, now)));
    }
  }
}
