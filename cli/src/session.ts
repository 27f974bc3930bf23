// What every command is given: its settings, where it prints, its log, and the signal that Ctrl-C aborts.
import type { FlushableLogger } from '@floodgate/http/logger.ts';
import type { Clock } from '@floodgate/core/ports/clock.ts';
import { shownPath, type Config } from './config.ts';
import type { Backend } from './backend.ts';
import type { Print } from './print.ts';

export type Session = {
  readonly config: Config;
  readonly print: Print;
  readonly log: FlushableLogger;
  readonly clock: Clock;
  /** Opened when it is first asked for, closed with the command. */
  readonly backend: () => Promise<Backend>;
  readonly workingFolder: string;
  /** Aborted by the first Ctrl-C or SIGTERM; the second ends the process. */
  readonly interrupted: AbortSignal;
  /** Flags for commands that are printed for copying: those that name this backend, home and these pipelines, with a space in front. */
  readonly flags: string;
};

/** A path as it would be typed from where the command was run. */
export const shown = (session: Session, path: string): string => shownPath(path, session.workingFolder);
