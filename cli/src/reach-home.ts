// One process at a time runs the services on a home and has its warehouse open. A command that needs them finds that
// process and asks it, or becomes it for as long as it needs.
import { access } from 'node:fs/promises';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import type { HttpTarget } from '@floodgate/http/http-server.ts';
import { greet, type Greeting } from './control-server.ts';
import { findDataFolder } from './data-folder.ts';
import type { StoreStack } from './backend.ts';
import { findHomeHolder, HomeError, storeFile, type HomeHolder } from './embedded-home.ts';
import { openEmbeddedStack, openStore, type EmbeddedStack } from './embedded-stack.ts';
import { readHomeSettings } from './home-settings.ts';
import { shown, type Session } from './session.ts';
import { withinGrace } from './within-grace.ts';

export type Reach =
  | { readonly kind: 'remote'; readonly target: HttpTarget; readonly greeting: Greeting }
  | { readonly kind: 'own'; readonly stack: EmbeddedStack; readonly dataFolder: string | undefined };

/** A process that starts or ends holds the home for a moment without answering. */
const patienceMs = 8_000;
const stepMs = 50;

export type OpenOptions = {
  readonly dataFolder?: string;
  /** Told of backfills that end in this process. */
  readonly onEnded?: (backfillId: string, state: string) => void;
};

/** Finds the process that runs on the home, or takes its place. The caller disposes of an own stack. */
export const reachHome = async (session: Session, options: OpenOptions = {}): Promise<Reach> => {
  const { config, clock, interrupted } = session;
  const until = clock.now() + patienceMs;
  for (;;) {
    const holder = await findHomeHolder(config.home);
    if (holder === undefined) {
      try {
        const dataFolder = options.dataFolder ?? (await findDataFolder(config))?.folder;
        const stack = await openEmbeddedStack({
          home: config.home,
          pipelinesFolder: config.pipelinesFolder,
          dataFolder,
          ...(await fetchSettingsOf(session, dataFolder)),
          workers: config.workers,
          logger: session.log,
          ...(options.onEnded === undefined ? {} : { onEnded: options.onEnded }),
        });
        return { kind: 'own', stack: { ...stack, [Symbol.asyncDispose]: () => withinGrace(session, stack[Symbol.asyncDispose]()) }, dataFolder };
      } catch (error) {
        // Another process was faster: it is asked in the next turn.
        if (!(error instanceof HomeError) || error.code !== 'home_in_use' || clock.now() > until) throw error;
      }
    } else {
      const answer = await greet(config.home, interrupted);
      if (answer !== undefined) return { kind: 'remote', ...answer };
      if (clock.now() > until) throw silentHolder(session, holder);
    }
    await clock.sleep(stepMs, interrupted);
  }
};

/** What was fetched is fetched from there again, e.g. by a replay of dead letters, until another folder is named. */
const fetchSettingsOf = async ({ config }: Session, dataFolder: string | undefined): Promise<{ readonly fetchSettings?: Readonly<Record<string, string>> }> => {
  const { settings, sourceUrl } = config.fetching;
  const remembered = await readHomeSettings(config.home);
  const url = sourceUrl ?? (remembered.dataFolder === dataFolder ? remembered.sourceUrl : undefined);
  return url === undefined ? {} : { fetchSettings: { ...settings, source_url: url } };
};

const silentHolder = (session: Session, holder: HomeHolder | 'unknown'): FloodgateError => {
  const home = shown(session, session.config.home);
  if (holder === 'unknown')
    return new FloodgateError('home_in_use', `${home} is in use by another process, which doesn't answer`, {
      hint: 'wait for it, stop it, or choose another home with --home',
    });
  return new FloodgateError('home_in_use', `${home} is in use by process ${holder.pid} on ${holder.host}, which doesn't answer`, {
    hint: `wait for it, stop it (kill ${holder.pid}), or choose another home with --home`,
  });
};

export const homeExists = async ({ config }: Session): Promise<boolean> =>
  access(storeFile(config.home)).then(
    () => true,
    () => false,
  );

/** Looking must not make a home: throws FloodgateError `no_home` where there is none. */
export const needHome = async (session: Session): Promise<void> => {
  if (await homeExists(session)) return;
  throw new FloodgateError('no_home', `nothing has run in ${shown(session, session.config.home)} yet`, {
    hint: 'begin with npx floodgate demo, or npx floodgate backfill; or name another home with --home',
  });
};

/** The store of a home that exists, shared with whatever runs on it. */
export const openHomeStore = async (session: Session): Promise<StoreStack> => {
  await needHome(session);
  return openStore(session.config.home, session.log);
};
