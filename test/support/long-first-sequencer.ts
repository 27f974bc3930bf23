// The files that take minutes first: one that begins last keeps the others' core idle. A fresh clone has no durations of runs before.
import { BaseSequencer, type TestSpecification } from 'vitest/node';

const long = [
  'emulators/nba-fetched',
  'emulators/nba-end-to-end',
  'emulators/chaos',
  'emulators/cli-gcp',
  'emulators/services',
  'emulators/start-emulators',
  'emulators/pubsub-message-bus',
  'emulators/firestore-status-store',
  'e2e/settings',
  'e2e/scenarios',
  'e2e/nba-sources',
  'e2e/failing-sources',
  'e2e/full-range',
  'e2e/kill',
  'golden/analyzer',
];

export class LongFirstSequencer extends BaseSequencer {
  override async sort(files: TestSpecification[]): Promise<TestSpecification[]> {
    const rank = ({ moduleId }: TestSpecification): number => {
      const index = long.findIndex((name) => moduleId.endsWith(`test/${name}.test.ts`));
      return index === -1 ? long.length : index;
    };
    return (await super.sort(files)).sort((a, b) => rank(a) - rank(b));
  }
}
