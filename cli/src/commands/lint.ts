// floodgate lint: everything that is wrong with a pipeline's folder, with places that editors open.
import { join } from 'node:path';
import type { Problem } from '@floodgate/core/pipeline/problem.ts';
import { addJson, addPipeline, type RegisterCommand } from '../command.ts';
import type { ConfigFlags } from '../config.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import { lintFiles } from '../lint-folder.ts';
import { readPipelineFiles } from '../pipeline-files.ts';
import { plural } from '../render/numbers.ts';
import type { Style } from '../render/style.ts';
import { shown, type Session } from '../session.ts';

const renderProblem = (problem: Problem, folder: string, style: Style): readonly string[] => {
  const { file, line, column, severity, message, fix } = problem;
  const place = `${folder}/${file}:${line}${column === undefined ? '' : `:${column}`}`;
  return [
    `${style.paint(severity === 'error' ? 'red' : 'yellow', severity)}  ${message}`,
    `  ${style.dim('at')}    ${style.paint('cyan', place)}`,
    `  ${style.dim('help')}  ${fix}`,
  ];
};

const renderProblems = (problems: readonly Problem[], folder: string, style: Style): readonly string[] =>
  problems.flatMap((problem) => [...renderProblem(problem, folder, style), '']);

const lint = async (session: Session): Promise<ExitCode> => {
  const { print, config } = session;
  const problems = await lintFiles(await readPipelineFiles(session));
  const errors = problems.filter(({ severity }) => severity === 'error').length;
  if (print.json) {
    print.document({
      pipeline: config.pipelineId,
      ok: errors === 0,
      problems: problems.map(({ file, line, column, severity, message, fix }) => ({
        file,
        line,
        ...(column === undefined ? {} : { column }),
        severity,
        message,
        fix,
      })),
    });
  } else {
    const folder = shown(session, join(config.pipelinesFolder, config.pipelineId));
    const counts = [...(errors > 0 ? [plural(errors, 'error')] : []), ...(problems.length > errors ? [plural(problems.length - errors, 'warning')] : [])].join(
      ' and ',
    );
    const verdict =
      problems.length === 0
        ? `${print.style.paint('green', print.style.signs.ok)} Pipeline ${config.pipelineId}: no problems.`
        : `Pipeline ${config.pipelineId}: ${counts}.`;
    print.note([...renderProblems(problems, folder, print.style), verdict].join('\n'));
  }
  return errors > 0 ? exitCodes.usage : exitCodes.done;
};

export const registerLint: RegisterCommand = (program, run) => {
  const command = program
    .command('lint')
    .summary('check a pipeline’s folder')
    .description('Reads the pipeline’s folder and its SQL, and tells everything that is wrong. Exits with 2 where there are errors.');
  addJson(addPipeline(command)).action((flags: ConfigFlags) => run(flags, lint));
};
