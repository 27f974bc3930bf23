// Every error of every command in one form: what happened, what to do, and the exit code. Stacks are for the log: of an error
// that was expected, nobody needs one; of one that was not, the developer does, and the user needs the way to it.
import { existsSync } from 'node:fs';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import { logFile } from './config.ts';
import { exitCodeOfError, exitCodes, type ExitCode } from './exit-codes.ts';
import type { Print } from './print.ts';
import { withFlags } from './render/commands.ts';
import { shown, type Session } from './session.ts';

type Told = { readonly code: string; readonly message: string; readonly hint: string | undefined; readonly exitCode: ExitCode };

const systemCodes: Readonly<Record<string, (path: string) => Omit<Told, 'exitCode'>>> = {
  ENOSPC: (path) => ({
    code: 'disk_full',
    message: `no space is left${path === '' ? '' : ` to write ${path}`}`,
    hint: 'free disk space and run the same command again: nothing is lost',
  }),
  EACCES: (path) => ({
    code: 'no_access',
    message: `this user may not read or write ${path === '' ? 'a file' : path}`,
    hint: 'check the rights of the folder, or choose another home with --home',
  }),
  EROFS: (path) => ({ code: 'no_access', message: `${path === '' ? 'the disk' : path} can only be read`, hint: 'choose another home with --home' }),
  EMFILE: () => ({ code: 'too_many_files', message: 'too many files are open', hint: 'raise the limit (ulimit -n), or use fewer --workers' }),
};

/** Where the engine shows a place in SQL that Floodgate wrote itself, the place says nothing to anybody. */
const readable = ({ code, message }: FloodgateError): string => (code.startsWith('source_') ? message.replace(/\s*\n\nLINE \d+:[\s\S]*$/, '') : message);

const tellError = (error: unknown, session: Session | undefined): Told & { readonly isExpected: boolean } => {
  if (session?.interrupted.aborted === true && (error === session.interrupted.reason || (error instanceof FloodgateError && error.code === 'cancelled'))) {
    return { code: 'interrupted', message: 'interrupted', hint: undefined, exitCode: exitCodes.unknown, isExpected: true };
  }
  if (error instanceof FloodgateError)
    return { code: error.code, message: readable(error), hint: error.hint, exitCode: exitCodeOfError(error.code), isExpected: true };
  const system = error instanceof Error && 'code' in error ? systemCodes[String(error.code)] : undefined;
  if (system !== undefined)
    return { ...system(error instanceof Error && 'path' in error ? String(error.path) : ''), exitCode: exitCodes.unknown, isExpected: true };
  const message = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return { code: 'internal', message: `an error that Floodgate did not expect: ${message}`, hint: undefined, exitCode: exitCodes.unknown, isExpected: false };
};

/** Says it and returns the exit code of the command. */
export const reportError = (error: unknown, print: Print, session: Session | undefined): ExitCode => {
  const { code, message, hint, exitCode, isExpected } = tellError(error, session);
  const style = print.errorStyle;
  let advice = hint === undefined ? undefined : withFlags(hint, session?.flags ?? '');
  if (session !== undefined && session.config.gcp === undefined && existsSync(session.config.home)) {
    const level = exitCode === exitCodes.unknown ? 'error' : 'info';
    session.log[level]({ err: error, code }, 'command ended with an error');
    if (!isExpected) advice = `its stack is in ${shown(session, logFile(session.config.home))}`;
  } else if (!isExpected && error instanceof Error && error.stack !== undefined) {
    // Nowhere else to keep it.
    advice = error.stack;
  }
  print.error(`${style.paint('red', style.bold('error:'))} ${message}`);
  if (advice !== undefined) print.error(`${style.paint('cyan', '  help:')} ${advice.replaceAll('\n', '\n        ')}`);
  if (print.json) print.document({ error: { code, message, ...(advice === undefined ? {} : { hint: advice }) }, exitCode });
  return exitCode;
};
