// What people were told: once a pause or a cancelling is acknowledged, it holds, whatever happens afterwards, until somebody
// asks for the contrary.
import type { Known } from './monitor-known.ts';
import type { Applied, BackfillWatch, Report } from './monitor-watches.ts';

export type OperatorEvent = {
  readonly action: 'pause' | 'resume' | 'cancel';
  readonly backfillId: string;
  /** asked: the command begins; acknowledged: it has answered that it is so. One that died, or was refused, is never acknowledged. */
  readonly stage: 'asked' | 'acknowledged';
};

type Told = { resumes: number; readonly cancelled: boolean };

export class OperatorChecks {
  readonly #known: Known;
  readonly #report: Report;
  readonly #told = new Map<string, Told>();

  constructor(known: Known, report: Report) {
    this.#known = known;
    this.#report = report;
  }

  /** (8) An acknowledged pause is in the store, unless somebody has asked to resume; an acknowledged cancelling always is. */
  onOperator({ action, backfillId, stage }: OperatorEvent): void {
    const told = this.#told.get(backfillId) ?? { resumes: 0, cancelled: false };
    this.#told.set(backfillId, told);
    if (stage === 'asked') {
      if (action === 'resume') told.resumes += 1;
      return;
    }
    const watch = this.#known.backfills.get(backfillId);
    const control = watch?.control;
    if (action === 'pause' && told.resumes === 0 && control?.paused !== true)
      this.#report('8', `a pause of ${backfillId} was acknowledged, and the store does not say so`, [backfillId]);
    if (action !== 'cancel') return;
    // The control document of one that has been cancelled goes first when it expires.
    if (control?.cancelled !== true && watch?.doc.state !== 'cancelled')
      this.#report('8', `the cancelling of ${backfillId} was acknowledged, and the store does not say so`, [backfillId]);
    this.#told.set(backfillId, { ...told, cancelled: true });
  }

  /** (8) A paused backfill goes on only when somebody asked for it. */
  onStore({ controls, process }: Applied): void {
    for (const { before, after, watch } of controls) {
      const told = this.#told.get(watch.id);
      if (before?.paused === true && after?.paused === false && !after.cancelled && told !== undefined && told.resumes === 0)
        this.#report('8', `${process} resumed ${watch.id}, which nobody asked for`, [watch.id]);
    }
  }

  /** (8) What was cancelled has ended so. */
  atEnd(watch: BackfillWatch): void {
    if (this.#told.get(watch.id)?.cancelled === true && watch.doc.state !== 'cancelled')
      this.#report('8', `${watch.id} was cancelled, which was acknowledged, and is ${watch.doc.state}`, [watch.id]);
  }
}
