// What these tests need beside the npm packages. Where a part is missing they are skipped with its reason, which is then the
// name of their suite; REQUIRE_EMULATORS=1 (set by .ci/run) makes the absence a failure.
import { isZetaSqlInstalled, isZetaSqlRequired, ZETASQL_MISSING } from '../../support/zetasql.ts';

export const isEmulatorRequired: boolean = process.env['REQUIRE_EMULATORS'] === '1';

/** Why the BigQuery emulator can't be started; undefined: it can, or must. */
export const emulatorMissing: string | undefined = isZetaSqlInstalled || isZetaSqlRequired || isEmulatorRequired ? undefined : ZETASQL_MISSING;
