// Writes the JSON Schemas of the documentation: `node docs/generate-schemas.ts`, after a change of pipeline-schema.ts.
// A test fails while the committed file is out of date.
import { writeFileSync } from 'node:fs';
import { formatPipelineJsonSchema } from '@floodgate/core/pipeline/pipeline-json-schema.ts';

writeFileSync(new URL('pipeline.schema.json', import.meta.url), formatPipelineJsonSchema());
