// The table that `committing-process.ts` writes: every generation rewrites every date with another number of rows.
import { datesBetween, partitionDate } from '@floodgate/core/domain/partition-date.ts';
import type { Column } from '@floodgate/core/domain/pipeline.ts';
import type { JsonObject } from '@floodgate/core/ports/status-store.ts';
import type { TableSpec } from '@floodgate/core/ports/warehouse.ts';

const column = (name: string, type: Column['type']): Column => ({ name, type, required: true, description: '', digits: 6 });

export const killedTable: TableSpec = {
  table: 'nba.killed',
  partitionColumn: 'game_date',
  key: ['game_date', 'id'],
  columns: [column('game_date', 'DATE'), column('id', 'INT64'), column('written_by', 'INT64'), column('padding', 'STRING')],
};

export const killedDates = datesBetween(partitionDate('2024-01-01'), partitionDate('2024-01-20'));

export const rowsOfGeneration = (generation: number): number => 20 + (generation % 7);

export function* killedRows(generation: number): Generator<JsonObject> {
  for (const game_date of killedDates) {
    for (let id = 0; id < rowsOfGeneration(generation); id += 1)
      yield { game_date, id, written_by: generation, padding: `padding ${id} of ${generation}`.repeat(5) };
  }
}
