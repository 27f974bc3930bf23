// Where Google's emulators lie on this machine: in the `platform` folder of a Cloud SDK, as components of it or as packages of apt.
import { execFile } from 'node:child_process';
import { access, realpath } from 'node:fs/promises';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { promisify } from 'node:util';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';

const usualRoots = [
  '/usr/lib/google-cloud-sdk', // apt, dnf
  '/usr/share/google-cloud-sdk',
  '/opt/google-cloud-sdk',
  '/google-cloud-sdk', // gcr.io/google.com/cloudsdktool images
  '/snap/google-cloud-cli/current',
  '/opt/homebrew/share/google-cloud-sdk',
  '/usr/local/share/google-cloud-sdk',
  '/usr/local/Caskroom/google-cloud-sdk/latest/google-cloud-sdk',
];

const getThem =
  'gcloud components install pubsub-emulator cloud-firestore-emulator\n' +
  'or, where gcloud came with apt: apt-get install google-cloud-cli-pubsub-emulator google-cloud-cli-firestore-emulator';

/** What a shell would find: asked of one, since the environment is its business. */
const askShell = async (script: string): Promise<string> => {
  const { stdout } = await promisify(execFile)('/bin/sh', ['-c', script]).catch(() => ({ stdout: '' }));
  return stdout.trim();
};

const candidateRoots = async (): Promise<readonly string[]> => {
  const named = await askShell('printf %s "${CLOUDSDK_ROOT:-$CLOUDSDK_ROOT_DIR}"');
  const gcloud = await askShell('command -v gcloud');
  // <root>/bin/gcloud, whatever links lead to it.
  const beside = gcloud === '' ? '' : await realpath(gcloud).then((path) => dirname(dirname(path)));
  return [named, beside, ...usualRoots, join(homedir(), 'google-cloud-sdk')].filter((root) => root !== '');
};

const exists = (path: string): Promise<boolean> =>
  access(path).then(
    () => true,
    () => false,
  );

/** The program at `path` below a Cloud SDK's `platform`. Throws where no SDK of this machine has it, or there is no Java. */
export const findEmulatorProgram = async (path: string): Promise<string> => {
  const roots = await candidateRoots();
  for (const root of roots) {
    const program = join(root, 'platform', path);
    if (!(await exists(program))) continue;
    if ((await askShell('command -v "${JAVA_HOME:+$JAVA_HOME/bin/}java"')) !== '') return program;
    throw new FloodgateError('emulator_missing', `${path} is here, but no Java to run it: neither JAVA_HOME nor PATH has one`, {
      hint: 'install a Java runtime of version 11 or later, e.g. apt-get install default-jre-headless',
    });
  }
  throw new FloodgateError('emulator_missing', `platform/${path} is in no Cloud SDK of this machine; looked below ${roots.join(', ')}`, { hint: getThem });
};
