// What `floodgate plan` prints is what the planner answers to a dry run; the compiler holds it to the schema that scripts rely on.
import type { PlanSummary } from '@floodgate/core/app/accept-request.ts';
import { describePlan } from '@floodgate/core/app/describe-plan.ts';
import type { PlanOutput } from './output-schema.ts';

export const planOutputOf: (summary: PlanSummary) => PlanOutput = describePlan;
