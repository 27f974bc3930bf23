import { Storage } from '@google-cloud/storage';
import type { GcpSettings } from './settings.ts';

/** What is tried again, and how often, is decided by whoever calls: here every answer is the first one. */
export const connectStorage = (settings: Pick<GcpSettings, 'projectId' | 'emulators'>): Storage => {
  const host = settings.emulators.storage;
  return new Storage({
    projectId: settings.projectId,
    retryOptions: { autoRetry: false, maxRetries: 0 },
    // With an endpoint of its own the client looks for no credentials.
    ...(host === undefined ? {} : { apiEndpoint: `http://${host}`, useAuthWithCustomEndpoint: false }),
  });
};
