// One wide event per message that was handled: which, how often it came, what became of it, how long it took. Whoever asks why a
// date didn't move finds its backfill's doorbells by `subject`, and all of one request by its trace.
import type { Clock } from '@floodgate/core/ports/clock.ts';
import type { Logger } from '@floodgate/core/ports/logger.ts';
import type { Delivery, MessageBus, Verdict } from '@floodgate/core/ports/message-bus.ts';

const describe = ({ subscription, attributes, deliveryAttempt }: Delivery) => {
  const { id, type, subject, traceparent } = attributes;
  return { subscription, messageId: id, type, subject, traceparent, deliveryAttempt };
};

/** The same bus, whose handlers are logged. */
export const logDeliveries = (bus: MessageBus, { clock, logger }: { readonly clock: Clock; readonly logger: Logger }): MessageBus => ({
  publish: (messages, signal) => bus.publish(messages, signal),
  subscribe: (spec, handler, options) =>
    bus.subscribe(
      spec,
      async (delivery): Promise<Verdict> => {
        const startedAt = clock.now();
        try {
          const verdict = await handler(delivery);
          logger.info({ ...describe(delivery), verdict, tookMs: clock.now() - startedAt }, 'message handled');
          return verdict;
        } catch (error) {
          // The bus nacks it. Where the delivery was aborted, that is what was asked for.
          const fields = { ...describe(delivery), verdict: 'nack', tookMs: clock.now() - startedAt, err: error };
          if (delivery.signal.aborted) logger.info(fields, 'message given back');
          else logger.error(fields, 'message not handled');
          throw error;
        }
      },
      options,
    ),
});
