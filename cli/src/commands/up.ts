// floodgate up: the three services in one process, until it is stopped. Takes requests over HTTP and from other commands.
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import { addServices, type RegisterCommand } from '../command.ts';
import type { ConfigFlags } from '../config.ts';
import { refuseBackend } from '../refuse-backend.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { prepareData } from '../prepare-data.ts';
import { loadPipeline } from '../pipeline-files.ts';
import { plural } from '../render/numbers.ts';
import { renderTable } from '../render/table.ts';
import { shown, type Session } from '../session.ts';

const host = '127.0.0.1';

const waitForAbort = (signal: AbortSignal): Promise<void> =>
  new Promise((resolve) => {
    if (signal.aborted) resolve();
    else signal.addEventListener('abort', () => resolve(), { once: true });
  });

const greet = (session: Session, address: string, activeCount: number): void => {
  const { print, config, flags } = session;
  const { style } = print;
  const rows = [
    ['requests', `curl -d '{"pipeline":"${config.pipelineId}","range":{"start":"2023-10-24","end":"2023-10-31"}}' ${address}/v1/backfills`],
    ['', `npx floodgate backfill --start 2023-10-24 --end 2023-10-31${flags}`],
    ['look', `npx floodgate status${flags}`],
    ['health', `${address}/healthz  ${address}/readyz`],
    ['log', shown(session, `${config.home}/floodgate.log`)],
  ];
  print.note(
    [
      `${style.paint('green', style.signs.ok)} ${style.bold(`Floodgate is up on ${address}`)}  ${style.dim(`home ${shown(session, config.home)}, ${plural(config.workers, 'worker')}; Ctrl-C stops it`)}`,
      ...renderTable(
        [{ title: '' }, { title: '' }],
        rows.map(([name, text]) => [style.dim(name ?? ''), text ?? '']),
        style,
      ),
      ...(activeCount === 0 ? [] : [`  Going on with ${plural(activeCount, 'backfill')} that ${activeCount === 1 ? 'was' : 'were'} interrupted.`]),
    ].join('\n'),
  );
};

const up = async (session: Session): Promise<ExitCode> => {
  const { print, config, interrupted } = session;
  refuseBackend(
    session,
    'up',
    'the services are processes of their own there: node services/planner/src/main.ts, worker and validator likewise; on a laptop npm run emulators -- --keep --services starts them with everything that they need (docs/backends.md)',
  );
  const { reachHome } = await import('../reach-home.ts');
  const { serve } = await import('../run-to-end.ts');
  await prepareData(session, await loadPipeline(session));
  const { style } = print;
  const reach = await reachHome(session, {
    onEnded: (backfillId, state) =>
      print.note(
        `${state === 'completed' ? style.paint('green', style.signs.ok) : style.paint('yellow', style.signs.warn)} ${backfillId} ${state}  ${style.dim(`npx floodgate status ${backfillId}${session.flags}`)}`,
      ),
  });
  if (reach.kind === 'remote')
    throw new FloodgateError('home_in_use', `floodgate ${reach.greeting.command} (process ${reach.greeting.pid}) runs on ${shown(session, config.home)}`, {
      hint: `stop it (kill ${reach.greeting.pid}), or choose another home with --home`,
    });
  await using stack = reach.stack;
  const active = await stack.engine.store.query({ collection: 'backfills', where: [{ field: 'state', op: '==', value: 'active' }] });
  {
    await using serving = await serve(session, stack, { command: 'up', dataFolder: reach.dataFolder, listen: { host, port: config.port } });
    greet(session, serving.server.address ?? '', active.length);
    const ended = await Promise.race([waitForAbort(interrupted).then(() => undefined), serving.halted]);
    if (ended !== undefined)
      throw new FloodgateError(ended.code, `stopped: ${ended.message}`, { hint: `${ended.hint ?? 'see the log'}; nothing is lost: start it again to go on` });
    print.note('Stopping: finishing what is under way (Ctrl-C again ends at once).');
  }
  const left = await stack.engine.store.query({ collection: 'backfills', where: [{ field: 'state', op: '==', value: 'active' }] });
  print.note(left.length === 0 ? 'Stopped.' : `Stopped; ${plural(left.length, 'backfill')} will go on with the next floodgate up or resume.`);
  return exitCodes.done;
};

export const registerUp: RegisterCommand = (program, run) => {
  const command = program
    .command('up')
    .summary('run the services until stopped, with HTTP')
    .description('Runs planner, worker and validator in one process. Other commands hand their work to it; requests come over HTTP, too.');
  addServices(command)
    .option('--port <n>', 'on 127.0.0.1; 0 takes a free one (default: 8787)')
    .action((flags: ConfigFlags) => run(flags, up));
};
