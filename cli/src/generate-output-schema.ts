// Writes docs/cli-output.schema.json: `node cli/src/generate-output-schema.ts`, after a change of output-schema.ts. A test
// fails while the committed file is out of date.
import { writeFileSync } from 'node:fs';
import { formatCliOutputSchema } from './output-schema.ts';

writeFileSync(new URL('../../docs/cli-output.schema.json', import.meta.url), formatCliOutputSchema());
