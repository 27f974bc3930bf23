// What floodgate doctor looks at on a home, one function per subject. None throws: what can't be looked at is a finding.
import { constants } from 'node:fs';
import { access, statfs } from 'node:fs/promises';
import { dirname } from 'node:path';
import { listBackfills } from '@floodgate/core/app/read-status.ts';
import { readPipeline } from '@floodgate/core/pipeline/read-pipeline.ts';
import { greet } from './control-server.ts';
import { checkData, findDataFolder, listSourceFiles } from './data-folder.ts';
import { findHomeHolder } from './embedded-home.ts';
import { checkNode, fail, failed, ok, warn, type DoctorFinding } from './findings.ts';
import { lintFiles } from './lint-folder.ts';
import { readPipelineFiles } from './pipeline-files.ts';
import { homeExists, openHomeStore } from './reach-home.ts';
import { formatBytes, formatCount, plural } from './render/numbers.ts';
import { shown, type Session } from './session.ts';

/** A backfill of a few seasons with its staging and logs. */
const comfortableBytes = 2 * 2 ** 30;
const minBytes = 200 * 2 ** 20;

const judgeFreeSpace = (bytes: number): DoctorFinding => {
  const message = `${formatBytes(bytes)} free`;
  if (bytes < minBytes) return fail('disk', message, 'free some: Floodgate stops where it finds less than 200 MiB');
  return bytes < comfortableBytes ? warn('disk', message, 'enough for a season; for years of data free some') : ok('disk', message);
};

const nearestFolder = async (path: string): Promise<string> => {
  try {
    await access(path);
    return path;
  } catch {
    return dirname(path) === path ? path : nearestFolder(dirname(path));
  }
};

const checkHome = async (session: Session): Promise<readonly DoctorFinding[]> => {
  const { home } = session.config;
  const folder = await nearestFolder(home);
  const exists = folder === home;
  try {
    await access(folder, constants.R_OK | constants.W_OK | constants.X_OK);
    const { bavail, bsize } = await statfs(folder);
    return [ok('home', exists ? shown(session, home) : `${shown(session, home)} will be made`), judgeFreeSpace(bavail * bsize)];
  } catch {
    return [fail('home', `${folder} can't be written by this user`, 'choose another home with --home')];
  }
};

const checkHolder = async (session: Session): Promise<DoctorFinding> => {
  const { home } = session.config;
  const holder = await findHomeHolder(home);
  if (holder === undefined) return ok('process', 'nothing runs on this home');
  const answer = await greet(home, session.interrupted);
  if (answer !== undefined) return ok('process', `floodgate ${answer.greeting.command} (process ${answer.greeting.pid}) runs on this home`);
  const who = holder === 'unknown' ? 'a process' : `process ${holder.pid} on ${holder.host}`;
  return warn(
    'process',
    `${who} holds this home and doesn't answer`,
    holder === 'unknown' ? 'wait a moment and look again' : `it may be starting or ending; if it stays so, stop it: kill ${holder.pid}`,
  );
};

const checkStore = async (session: Session): Promise<readonly DoctorFinding[]> => {
  if (!(await homeExists(session))) return [ok('store', 'not there yet; the first backfill makes it')];
  try {
    await using stack = await openHomeStore(session);
    const backfills = await listBackfills(stack.deps.store);
    const store = ok('store', `readable, ${plural(backfills.length, 'backfill')}`);
    const active = backfills.filter(({ state }) => state === 'active');
    if (active.length === 0 || (await findHomeHolder(session.config.home)) !== undefined) return [store];
    const ids = active.map(({ backfillId }) => backfillId);
    return [
      store,
      warn(
        'backfills',
        `${ids.join(', ')} ${ids.length === 1 ? 'is' : 'are'} active, and no process works on ${ids.length === 1 ? 'it' : 'them'}`,
        `go on with: npx floodgate resume ${ids[0] ?? ''}${session.flags}; or end it: npx floodgate cancel ${ids[0] ?? ''}${session.flags}`,
      ),
    ];
  } catch (error) {
    return [failed('store', error)];
  }
};

const checkWarehouse = async (session: Session): Promise<DoctorFinding> => {
  if (!(await homeExists(session))) return ok('warehouse', 'not there yet; the first backfill makes it');
  try {
    const tables = await (await session.backend()).withWarehouse((actions) => actions.tables(null, session.interrupted));
    return ok('warehouse', `opens, ${plural(tables.length, 'table')} with ${formatCount(tables.reduce((sum, { rows }) => sum + rows, 0))} rows`);
  } catch (error) {
    return failed('warehouse', error);
  }
};

const checkPipeline = async (session: Session): Promise<readonly DoctorFinding[]> => {
  try {
    const files = await readPipelineFiles(session);
    const problems = await lintFiles(files);
    const errors = problems.filter(({ severity }) => severity === 'error').length;
    const { pipelineId } = session.config;
    const advice = `npx floodgate lint${session.flags}`;
    const finding =
      errors > 0
        ? fail('pipeline', `${pipelineId} has ${plural(errors, 'error')}`, advice)
        : problems.length > 0
          ? warn('pipeline', `${pipelineId} has ${plural(problems.length, 'warning')}`, advice)
          : ok('pipeline', `${pipelineId} has no problems`);
    return [finding, ...(await checkSources(session, files))];
  } catch (error) {
    return [failed('pipeline', error)];
  }
};

const checkSources = async (session: Session, files: ReadonlyMap<string, string>): Promise<readonly DoctorFinding[]> => {
  const read = readPipeline(files);
  if (!read.ok || read.pipeline.sources.length === 0) return [];
  const data = await findDataFolder(session.config);
  // Not named at all is no fault: the demo brings its own.
  if (data === undefined) return [warn('data', 'no folder is named', 'name it with --data or FLOODGATE_<PIPELINE>_DATA; npx floodgate demo works without')];
  try {
    const missing = await checkData(session.config, read.pipeline, data);
    if (missing.length > 0)
      return [warn('data', `${shown(session, data.folder)} lacks ${missing.map(({ glob }) => glob).join(', ')}`, 'what reads them will fail')];
    const count = (await listSourceFiles(read.pipeline, data.folder)).reduce((sum, source) => sum + source.files, 0);
    return [ok('data', `${shown(session, data.folder)}, ${plural(count, 'file')}${data.from === 'remembered' ? ', as last time' : ''}`)];
  } catch (error) {
    return [failed('data', error)];
  }
};

export const examineHome = async (session: Session): Promise<readonly DoctorFinding[]> => [
  checkNode(process.version),
  ...(await checkHome(session)),
  await checkHolder(session),
  ...(await checkStore(session)),
  await checkWarehouse(session),
  ...(await checkPipeline(session)),
];
