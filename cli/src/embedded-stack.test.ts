// The catalog of folders: what it refuses before anything is planned.
import { cp, readFile, writeFile } from 'node:fs/promises';
import { join } from 'node:path';
import { FloodgateError } from '@floodgate/core/domain/errors.ts';
import { describe, expect, test } from 'vitest';
import { createTemporaryFolder } from '../../test/support/temporary-folder.ts';
import { createFolderCatalog } from '@floodgate/system/pipeline-folders.ts';

const root = join(import.meta.dirname, '../..');

/** What loading the shop says once a text in one of its files was replaced; undefined where it is loaded. */
const refusalOf = async (...edits: readonly (readonly [file: string, from: string, to: string])[]): Promise<FloodgateError | undefined> => {
  await using folder = await createTemporaryFolder();
  await cp(join(root, 'test/e2e/fixtures'), folder.path, { recursive: true });
  for (const [file, from, to] of edits) {
    const path = join(folder.path, 'shop', file);
    const text = await readFile(path, 'utf8');
    expect(text).toContain(from);
    await writeFile(
      path,
      text.replace(from, () => to),
    );
  }
  const catalog = await createFolderCatalog(folder.path);
  try {
    expect((await catalog.load('shop'))?.pipeline.id).toBe('shop');
    return undefined;
  } catch (error) {
    if (error instanceof FloodgateError) return error;
    throw error;
  }
};

describe('a request', () => {
  test('is refused over SQL that reads outside its window, with its place and the command that tells all', async () => {
    const refused = await refusalOf(['processors/season_so_far.sql', 'BETWEEN DATE_SUB(@start_date, INTERVAL 366 DAY) AND', '<=']);
    expect(refused).toMatchObject({ code: 'invalid_pipeline', hint: 'npx floodgate lint --pipeline shop' });
    expect(refused?.message).toMatch(/^pipeline shop has 1 problem:\nprocessors\/season_so_far\.sql:6 .* window \[season, -1d\], found no earliest date/);
  });

  test('is refused over SQL that no backend would run', async () => {
    const refused = await refusalOf(['processors/recent.sql', 'GROUP BY r.day', 'GROUP BY BY r.day']);
    expect(refused?.message).toMatch(/syntax error/);
  });

  test('names the first problems of many', async () => {
    const refused = await refusalOf(
      ['processors/recent.sql', 'COUNT(o.order_id) AS orders', '1 AS a, 2 AS b, 3 AS c, 4 AS d, 5 AS e, 6 AS f, COUNT(o.order_id) AS orders'],
      ['processors/season_so_far.sql', 'shop_raw.orders', 'shop_raw.nobody'],
    );
    expect(refused?.message).toMatch(/^pipeline shop has \d+ problems:\n(?:.*:\d+:.* error .*\n){5}and \d+ more$/);
  });

  test('of a folder without a problem goes through, and that of the NBA pipeline', async () => {
    expect(await refusalOf()).toBeUndefined();
    expect((await (await createFolderCatalog(join(root, 'pipelines'))).load('nba'))?.pipeline.id).toBe('nba');
  });
});
