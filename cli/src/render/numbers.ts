// Numbers, times and lists as people read them. English grouping everywhere: output is compared in tests and copied into
// reports, so it must not follow the machine's locale.

export const formatCount = (value: number): string => value.toLocaleString('en-US', { maximumFractionDigits: 0 });

export const plural = (count: number, one: string, many = `${one}s`): string => `${formatCount(count)} ${count === 1 ? one : many}`;

/** `840 ms`, `12.4 s`, `3 min 05 s`, `2 h 07 min`. */
export const formatDuration = (ms: number): string => {
  if (ms < 1_000) return `${Math.max(Math.round(ms), 0)} ms`;
  if (ms < 59_950) return `${(ms / 1_000).toFixed(1)} s`;
  const seconds = Math.round(ms / 1_000);
  if (seconds < 3_600) return `${Math.floor(seconds / 60)} min ${String(seconds % 60).padStart(2, '0')} s`;
  const minutes = Math.round(seconds / 60);
  return minutes < 48 * 60 ? `${Math.floor(minutes / 60)} h ${String(minutes % 60).padStart(2, '0')} min` : `${Math.round(minutes / 60 / 24)} days`;
};

/** Rounded up to what an estimate is worth: `4 s`, `2 min`. */
export const formatEta = (ms: number): string => {
  const seconds = Math.ceil(ms / 1_000);
  if (seconds < 90) return `${seconds} s`;
  const minutes = Math.ceil(seconds / 60);
  return minutes < 90 ? `${minutes} min` : `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
};

/** `0:07`, `12:34`, `1:02:03`. */
export const formatClock = (ms: number): string => {
  const seconds = Math.floor(Math.max(ms, 0) / 1_000);
  const rest = `${String(Math.floor(seconds / 60) % 60)}:${String(seconds % 60).padStart(2, '0')}`;
  return seconds < 3_600 ? rest : `${Math.floor(seconds / 3_600)}:${rest.padStart(5, '0')}`;
};

export const formatAge = (ms: number): string => (ms < 5_000 ? 'just now' : `${formatDuration(ms).replace(/\.\d/, '')} ago`);

/** `2026-01-03 14:05` in UTC, like every other instant that Floodgate shows. */
export const formatInstant = (at: number): string => `${new Date(at).toISOString().slice(0, 16).replace('T', ' ')} UTC`;

/** To the millisecond, for what happened within a second. */
export const formatMoment = (at: number): string => new Date(at).toISOString().replace('T', ' ').replace('Z', ' UTC');

export const formatBytes = (bytes: number): string => {
  const units = ['B', 'KiB', 'MiB', 'GiB', 'TiB'];
  let [value, unit] = [bytes, 0];
  while (value >= 1_024 && unit < units.length - 1) [value, unit] = [value / 1_024, unit + 1];
  return `${unit === 0 || value >= 100 ? Math.round(value) : value.toFixed(1)} ${units[unit] ?? ''}`;
};

export const formatRate = (perSecond: number): string => (perSecond >= 10 ? formatCount(perSecond) : perSecond.toFixed(1));

/** `2023-10-24, 2023-10-25 and 12 more, to 2023-11-08`. */
export const formatDates = (dates: readonly string[], most = 4): string => {
  const sorted = [...dates].sort();
  if (sorted.length <= most) return sorted.join(', ');
  return `${sorted.slice(0, most - 1).join(', ')} and ${plural(sorted.length - most + 1, 'more', 'more')}, to ${sorted.at(-1) ?? ''}`;
};
