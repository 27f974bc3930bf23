// What floodgate doctor looks at on a deployment, one function per subject. None throws: what can't be looked at is a finding,
// and hides nothing about the rest. Nothing is changed but a staging of one row, which is dropped.
import { readCalendar } from '@floodgate/core/app/calendar-reader.ts';
import { specOf } from '@floodgate/core/app/ledger-reader.ts';
import { listBackfills } from '@floodgate/core/app/read-status.ts';
import { leaseSchema, parseDocument, schedulerLeasePath } from '@floodgate/core/contracts/documents.ts';
import { storeIndexes } from '@floodgate/core/contracts/store-indexes.ts';
import type { Pipeline } from '@floodgate/core/domain/pipeline.ts';
import { describeFiles, listSource } from '@floodgate/core/domain/source-files.ts';
import { lintPipeline } from '@floodgate/core/pipeline/lint.ts';
import { readPipeline } from '@floodgate/core/pipeline/read-pipeline.ts';
import type { StoreReader } from '@floodgate/core/ports/status-store.ts';
import { probeCredentials, probeFirestoreMode, probeServices } from '@floodgate/gcp/probe-connections.ts';
import { probeStaging, probeTables } from '@floodgate/gcp/probe-warehouse.ts';
import { systemIds } from '@floodgate/system/system-ids.ts';
import { checkNode, fail, failed, ok, warn, type DoctorFinding } from './findings.ts';
import type { GcpSettings } from './gcp-settings.ts';
import type { GcpStack } from './gcp-stack.ts';
import { readPipelineFiles } from './pipeline-files.ts';
import { plural } from './render/numbers.ts';
import type { Session } from './session.ts';

const describeSettings = ({ projectId, location, stagingDataset, bucket, firestoreDatabase, emulators }: GcpSettings): DoctorFinding => {
  const hosts = Object.entries(emulators).map(([name, host]) => `${name} ${host}`);
  const own = `project ${projectId}, location ${location}, staging ${stagingDataset}, database ${firestoreDatabase}, ${bucket === undefined ? 'no bucket' : `bucket ${bucket}`}`;
  return ok('settings', hosts.length === 0 ? own : `${own}\nemulators: ${hosts.join(', ')}`);
};

/** Push subscriptions are a choice that this command isn't told of: they differ from the declared ones where pushing differs. */
const isPushed = (problem: string): boolean => problem.startsWith('push endpoint: expected none');

const examineResources = async (stack: GcpStack, pipeline: Pipeline | undefined, signal: AbortSignal): Promise<readonly DoctorFinding[]> => {
  const subject = 'resources';
  try {
    const differences = await stack.inspect(pipeline === undefined ? [] : [pipeline], signal);
    const pushed = new Set(differences.filter(({ problem }) => isPushed(problem)).map(({ resource }) => resource));
    const faults = differences.filter(({ resource, problem }) => !pushed.has(resource) || !(isPushed(problem) || problem.startsWith('ack deadline')));
    const findings = faults.map(({ resource, problem, hint }) => fail(subject, `${resource}: ${problem}`, hint));
    const push = pushed.size === 0 ? [] : [ok(subject, `${plural(pushed.size, 'subscription')} pushed to the services`)];
    if (findings.length > 0) return [...findings, ...push];
    return [ok(subject, 'topics, subscriptions, dead-letter wiring, datasets, bucket and database are as declared'), ...push];
  } catch (error) {
    return [failed(subject, error)];
  }
};

/** Each declared index is asked for something: a database that lacks it refuses the query. */
const examineIndexes = async (store: StoreReader): Promise<readonly DoctorFinding[]> => {
  const subject = 'indexes';
  const asked = await Promise.all(
    storeIndexes.map(async ({ group, fields }) => {
      const last = fields.at(-1) ?? '';
      const where = fields.slice(0, -1).map((field) => ({ field, op: '==' as const, value: 'floodgate-doctor' }));
      try {
        await store.query({ group, where, orderBy: { field: last, direction: 'asc' }, limit: 1 });
        return undefined;
      } catch (error) {
        const finding = failed(subject, error);
        return { ...finding, message: `${group} by ${fields.join(', ')}: ${finding.message}` };
      }
    }),
  );
  const findings = asked.filter((finding) => finding !== undefined);
  return findings.length > 0 ? findings : [ok(subject, `all ${storeIndexes.length} that queries need are there`)];
};

/** Less than the beat of a planner at its default lease of a minute would need would say nothing. */
const heartbeatWithinMs = 30_000;
const heartbeatLookMs = 1_000;

/** A planner beats on the lease of every active backfill. Where none is active nobody beats, and nothing can be told. */
const examineServices = async (session: Session, store: StoreReader): Promise<readonly DoctorFinding[]> => {
  const { clock, interrupted } = session;
  const subject = 'services';
  try {
    const backfills = await listBackfills(store);
    const active = backfills.filter(({ state }) => state === 'active').map(({ backfillId }) => backfillId);
    const readable = ok('store', `readable, ${plural(backfills.length, 'backfill')}, ${active.length} active`);
    if (active.length === 0)
      return [readable, ok(subject, 'nothing is active, so none has to show itself; a request that nobody decides is told by npx floodgate backfill')];
    const beats = async (): Promise<readonly string[]> =>
      (await store.getMany(active.map(schedulerLeasePath))).map((document) => {
        if (document === undefined) return '';
        const { holder, heartbeat } = parseDocument(leaseSchema, document);
        return `${holder}#${heartbeat}`;
      });
    const before = await beats();
    const until = clock.now() + heartbeatWithinMs;
    while (clock.now() < until) {
      await clock.sleep(heartbeatLookMs, interrupted);
      const now = await beats();
      if (now.some((beat, index) => beat !== before[index])) return [readable, ok(subject, 'a planner is at work')];
    }
    return [
      readable,
      fail(
        subject,
        `expected a sign of life of a planner within ${heartbeatWithinMs / 1_000} s, found none, while ${active.length === 1 ? `${active[0] ?? ''} is` : `${active.length} backfills are`} active`,
        'look whether the planner runs and what it logs; nothing is lost, it goes on as soon as it runs',
      ),
    ];
  } catch (error) {
    return [failed('store', error)];
  }
};

/** Without the types, which the warehouse itself checks when it is asked for a plan: no second engine is loaded here. */
const examinePipeline = async (session: Session): Promise<{ readonly findings: readonly DoctorFinding[]; readonly pipeline: Pipeline | undefined }> => {
  const { pipelineId } = session.config;
  try {
    const files = await readPipelineFiles(session);
    const { sqlAnalyzer } = await import('@floodgate/system/sql-analyzer.ts');
    const read = readPipeline(files);
    const problems = read.ok ? [...read.warnings, ...lintPipeline(read.pipeline, files, sqlAnalyzer)] : read.problems;
    const errors = problems.filter(({ severity }) => severity === 'error').length;
    const advice = `npx floodgate lint${session.flags}`;
    const finding =
      errors > 0
        ? fail('pipeline', `${pipelineId} has ${plural(errors, 'error')}`, advice)
        : problems.length > 0
          ? warn('pipeline', `${pipelineId} has ${plural(problems.length, 'warning')}`, advice)
          : ok('pipeline', `${pipelineId} has no problems`);
    return { findings: [finding], pipeline: read.ok ? read.pipeline : undefined };
  } catch (error) {
    return { findings: [failed('pipeline', error)], pipeline: undefined };
  }
};

const examineSources = async (stack: GcpStack, pipeline: Pipeline, { bucket }: GcpSettings): Promise<readonly DoctorFinding[]> => {
  const subject = 'sources';
  if (pipeline.sources.length === 0) return [];
  const { objectStore } = stack;
  if (objectStore === undefined || bucket === undefined)
    return [fail(subject, `pipeline ${pipeline.id} reads files, and no bucket is named that holds them`, 'name it with FLOODGATE_GCP_BUCKET')];
  try {
    const counted = await Promise.all(
      pipeline.sources.map(async (source) => ({
        files: describeFiles(source),
        count: (await listSource(source, (glob) => objectStore.list(glob))).files.length,
        optional: source.optional === true,
      })),
    );
    const missing = counted.filter(({ count, optional }) => count === 0 && !optional).map(({ files }) => files);
    if (missing.length > 0)
      return [
        fail(
          subject,
          `expected files ${missing.join(', ')} in gs://${bucket}, found none: what reads them will fail`,
          `gcloud storage cp <files> gs://${bucket}/`,
        ),
      ];
    return [
      ok(
        subject,
        `${plural(
          counted.reduce((sum, { count }) => sum + count, 0),
          'file',
        )} in gs://${bucket}`,
      ),
    ];
  } catch (error) {
    return [failed(subject, error)];
  }
};

/** The calendar is read as a plan would read it: sources, SQL and permissions in one. */
const examineTables = async (session: Session, stack: GcpStack, pipeline: Pipeline, settings: GcpSettings): Promise<readonly DoctorFinding[]> => {
  const { clock, interrupted } = session;
  const read = await readCalendar(stack.engine.warehouse, pipeline, interrupted).then(
    ({ calendar }) => ({ first: calendar.dates[0]?.date, findings: [ok('calendar', plural(calendar.dates.length, 'date'))] }),
    (error: unknown) => ({ first: undefined, findings: [failed('calendar', error)] }),
  );
  const targets = pipeline.processors.filter(({ kind }) => kind !== 'external').map(specOf);
  return [...read.findings, ...(await probeTables(targets, read.first, { settings, clock, ids: systemIds, signal: interrupted }))];
};

export const examineGcp = async (session: Session, settings: GcpSettings, open: () => Promise<GcpStack>): Promise<readonly DoctorFinding[]> => {
  const { clock, interrupted } = session;
  const [{ findings: ofPipeline, pipeline }, credentials, services] = await Promise.all([
    examinePipeline(session),
    probeCredentials(settings, interrupted),
    probeServices(settings, clock, interrupted),
  ]);
  const begin = [checkNode(process.version), describeSettings(settings), credentials, ...services];
  // Without either, everything below would only say so again, each after its own patience.
  if ([credentials, ...services].some(({ verdict }) => verdict === 'fail')) return [...begin, ...ofPipeline];
  let stack: GcpStack;
  try {
    stack = await open();
  } catch (error) {
    return [...begin, failed('backend', error), ...ofPipeline];
  }
  const [mode, resources, indexes, store, staging, sources, tables] = await Promise.all([
    probeFirestoreMode(settings, interrupted),
    examineResources(stack, pipeline, interrupted),
    examineIndexes(stack.deps.store),
    examineServices(session, stack.deps.store),
    probeStaging(stack.engine.warehouse, settings, systemIds, interrupted),
    pipeline === undefined ? [] : examineSources(stack, pipeline, settings),
    pipeline === undefined ? [] : examineTables(session, stack, pipeline, settings),
  ]);
  return [...begin, ...resources, ...mode, ...indexes, ...store, staging, ...ofPipeline, ...sources, ...tables];
};
