// What floodgate doctor finds, and the words for it.
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import type { DoctorOutput } from './output-schema.ts';

export type DoctorFinding = DoctorOutput['findings'][number];

export const ok = (subject: string, message: string): DoctorFinding => ({ subject, verdict: 'ok', message, advice: '' });
export const warn = (subject: string, message: string, advice: string): DoctorFinding => ({ subject, verdict: 'warn', message, advice });
export const fail = (subject: string, message: string, advice: string): DoctorFinding => ({ subject, verdict: 'fail', message, advice });

export const failed = (subject: string, error: unknown): DoctorFinding =>
  fail(subject, error instanceof Error ? error.message : String(error), error instanceof FloodgateError && error.hint !== undefined ? error.hint : '');

const minNodeMajor = 24;

export const checkNode = (version: string): DoctorFinding => {
  const major = Number(version.replace(/^v/, '').split('.')[0]);
  return major >= minNodeMajor
    ? ok('node', version)
    : fail('node', `${version}; Floodgate needs ${minNodeMajor} or newer`, 'run npm ci, which brings it along, and start Floodgate with npx floodgate');
};
