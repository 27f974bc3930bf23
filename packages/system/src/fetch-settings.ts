// Settings of code that fetches, by pipeline: `FLOODGATE_NBA_SOURCE_URL` is `source_url` of pipeline nba. Code processors read no
// environment; they are given these.
import type { Environment } from './read-settings.ts';

const suffix = /^SOURCE_(?:URL|PER_SECOND(?:_[A-Z_]+)?|ATTEMPTS|TIMEOUT_SECONDS|DEADLINE_SECONDS|PAUSE_SECONDS|BACKOFF_MS)$/;
const prefixOf = (pipelineId: string): string => `FLOODGATE_${pipelineId.toUpperCase()}_`;

export const isFetchVariable = (name: string): boolean => {
  const at = name.indexOf('_SOURCE_');
  return /^FLOODGATE_[A-Z][A-Z0-9]*/.test(name) && ((at > 0 && suffix.test(name.slice(at + 1))) || /^FLOODGATE_[A-Z][A-Z0-9_]*_LANDING$/.test(name));
};

/** What is wrong with the address of a server; undefined: nothing. */
export const problemOfUrl = (url: string): string | undefined =>
  URL.canParse(url) && /^https?:$/.test(new URL(url).protocol) ? undefined : `expected an address such as https://example.com, found "${url}"`;

/** By the variable's name without `FLOODGATE_<PIPELINE>_`, in lower case. */
export const readFetchSettings = (
  environment: Environment,
  pipelineId: string,
): { readonly settings: Readonly<Record<string, string>>; readonly problems: readonly string[] } => {
  const prefix = prefixOf(pipelineId);
  const settings: Record<string, string> = {};
  const problems: string[] = [];
  for (const [name, value] of Object.entries(environment)) {
    if (value === undefined || value === '' || !name.startsWith(prefix) || !suffix.test(name.slice(prefix.length))) continue;
    const key = name.slice(prefix.length).toLowerCase();
    const problem = key === 'source_url' ? problemOfUrl(value) : Number(value) > 0 ? undefined : `expected a number above 0, found "${value}"`;
    if (problem === undefined) settings[key] = value;
    else problems.push(`${name}: ${problem}`);
  }
  return { settings, problems };
};
