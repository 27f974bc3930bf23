import { Storage } from '@google-cloud/storage';
import { GoogleAuth, PassThroughClient } from 'google-auth-library';
import type { GcpSettings } from './settings.ts';

/** What is tried again, and how often, is decided by whoever calls: here every answer is the first one. */
export const connectStorage = (settings: Pick<GcpSettings, 'projectId' | 'emulators'>): Storage => {
  const host = settings.emulators.storage;
  const client = new Storage({
    projectId: settings.projectId,
    retryOptions: { autoRetry: false, maxRetries: 0 },
    // Credentials of nobody, so that nobody's are looked for.
    ...(host === undefined
      ? {}
      : { apiEndpoint: `http://${host}`, useAuthWithCustomEndpoint: false, authClient: new GoogleAuth({ authClient: new PassThroughClient() }) }),
  });
  // The client takes STORAGE_EMULATOR_HOST for the whole address, without a scheme or the API's path, whatever apiEndpoint says.
  if (host !== undefined) client.baseUrl = `${client.apiEndpoint}/storage/v1`;
  return client;
};
