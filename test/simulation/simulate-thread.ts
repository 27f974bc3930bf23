// A worker thread that makes simulated runs.
import { serveRuns } from './pool-thread.ts';
import { simulate } from './run.ts';

serveRuns(simulate);
