/** The allow-list of scalar functions. Everything in it is compared with Google's reference evaluator by a test. */
import { arrayFunctions } from './arrays.ts';
import type { FunctionPrinter } from './call.ts';
import { dateFunctions } from './dates.ts';
import { jsonFunctions } from './json.ts';
import { numberFunctions } from './numbers.ts';
import { stringFunctions } from './strings.ts';
import { timestampFunctions } from './timestamps.ts';

export const SCALAR_FUNCTIONS: ReadonlyMap<string, FunctionPrinter> = new Map(
  [numberFunctions, stringFunctions, dateFunctions, timestampFunctions, arrayFunctions, jsonFunctions].flatMap((functions) => Object.entries(functions)),
);
