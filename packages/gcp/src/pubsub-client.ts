import { PubSub } from '@google-cloud/pubsub';
import { GoogleAuth, PassThroughClient } from 'google-auth-library';
import type { GcpSettings } from './settings.ts';

export const connectPubSub = (settings: Pick<GcpSettings, 'projectId' | 'emulators'>): PubSub => {
  const { projectId, emulators } = settings;
  if (emulators.pubsub === undefined) return new PubSub({ projectId });
  // Without credentials of some kind the client looks for a metadata server, also where it talks to an emulator.
  return new PubSub({ projectId, apiEndpoint: emulators.pubsub, emulatorMode: true, auth: new GoogleAuth({ authClient: new PassThroughClient() }) });
};
