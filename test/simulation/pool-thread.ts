// The inside of a worker thread: takes the options of one run at a time and posts its result.
import { parentPort } from 'node:worker_threads';
import type { RunOptions, RunResult } from './result.ts';

export type ToWorker = RunOptions;
export type FromWorker = 'ready' | RunResult;

export const serveRuns = (simulate: (options: RunOptions) => Promise<RunResult>): void => {
  const port = parentPort;
  if (port === null) throw new Error('serveRuns runs in a worker thread');
  const post = (message: FromWorker): void => port.postMessage(message);
  // What a run throws reaches nobody here, so the thread ends with it, as with any error that nobody handles; the pool says
  // of which run it was.
  port.on('message', (options: ToWorker) => void simulate(options).then(post));
  post('ready');
};
