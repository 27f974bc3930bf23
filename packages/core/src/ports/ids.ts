/** Chance, injected so that it can be simulated. */
export interface Ids {
  /** A new unique id: lower-case letters and digits, no order (sequential ids are hot spots on Firestore). */
  newId(): string;
  /** Uniform in [0, 1): for jitter. */
  random(): number;
}
