// floodgate doctor: looks at everything that Floodgate needs, and says what to do about what is not right.
import { addJson, addServices, type RegisterCommand } from '../command.ts';
import type { ConfigFlags } from '../config.ts';
import { exitCodes, type ExitCode } from '../exit-codes.ts';
import type { DoctorFinding } from '../findings.ts';
import { plural } from '../render/numbers.ts';
import type { Style } from '../render/style.ts';
import type { Session } from '../session.ts';

const renderFindings = (findings: readonly DoctorFinding[], style: Style): readonly string[] => {
  const width = Math.max(...findings.map(({ subject }) => subject.length));
  const signs = { ok: style.paint('green', style.signs.ok), warn: style.paint('yellow', style.signs.warn), fail: style.paint('red', style.signs.fail) };
  const lines = findings.flatMap(({ subject, verdict, message, advice }) => {
    const indent = ' '.repeat(width + 6);
    return [
      `  ${signs[verdict]} ${style.bold(subject.padEnd(width))}  ${message.replaceAll('\n', `\n${indent}`)}`,
      ...(advice === '' ? [] : [style.dim(`${indent}${advice}`)]),
    ];
  });
  const [failing, warning] = [findings.filter(({ verdict }) => verdict === 'fail').length, findings.filter(({ verdict }) => verdict === 'warn').length];
  const verdict =
    failing > 0
      ? style.paint('red', `${plural(failing, 'fault')} to mend.`)
      : warning > 0
        ? style.paint('yellow', `It works; ${plural(warning, 'thing')} to know.`)
        : style.paint('green', 'Everything is as it should be.');
  return [...lines, '', verdict];
};

const doctor = async (session: Session): Promise<ExitCode> => {
  const { print } = session;
  const findings = await (await session.backend()).examine();
  const isOk = findings.every(({ verdict }) => verdict !== 'fail');
  if (print.json) print.document({ ok: isOk, findings });
  else print.note(renderFindings(findings, print.style).join('\n'));
  return isOk ? exitCodes.done : exitCodes.unknown;
};

export const registerDoctor: RegisterCommand = (program, run) => {
  const command = program
    .command('doctor')
    .summary('look whether everything is as it should be')
    .description(
      'Looks at Node, home, disk, processes, store, warehouse, pipeline and data, or at everything that a deployment on Google Cloud needs, and says what to do. Exits with 4 where something is broken.',
    );
  addJson(addServices(command)).action((flags: ConfigFlags) => run(flags, doctor));
};
