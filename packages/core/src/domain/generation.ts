// A generation is the fencing token of one execution: the backfill's sequence number, then the epoch of the claim, in one
// integer below 2^53, so that a later backfill beats an earlier one and a later claim an earlier one, whatever the order
// in which their messages arrive.

const epochBits = 2 ** 20;
export const maxEpoch = epochBits - 1;
export const maxSequence = 2 ** 33 - 1;

/** `sequence` from 1, given at activation and again at every reopening; `epoch` from 1, raised at every claim. */
export const generationOf = (sequence: number, epoch: number): number => {
  if (!Number.isInteger(sequence) || sequence < 1 || sequence > maxSequence) throw new RangeError(`sequence ${sequence} is outside 1..${maxSequence}`);
  if (!Number.isInteger(epoch) || epoch < 0 || epoch > maxEpoch) throw new RangeError(`epoch ${epoch} is outside 0..${maxEpoch}`);
  return sequence * epochBits + epoch;
};

export const splitGeneration = (generation: number): { readonly sequence: number; readonly epoch: number } => ({
  sequence: Math.floor(generation / epochBits),
  epoch: generation % epochBits,
});
