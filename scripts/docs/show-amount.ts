const MIB = 1024 * 1024;
const GIB = 1024 * MIB;
const SECOND_MS = 1000;
const MINUTE_MS = 60 * SECOND_MS;
const HOUR_MS = 60 * MINUTE_MS;
const DAY_MS = 24 * HOUR_MS;

function plain(value: number): string {
  return Number.isInteger(value) ? value.toLocaleString("en-US") : String(Number(value.toFixed(2)));
}

function bytes(value: number): string {
  if (value >= GIB && value % GIB === 0) return `${plain(value / GIB)} GiB`;
  if (value >= MIB && value % MIB === 0) return `${plain(value / MIB)} MiB`;
  if (value >= 1024 && value % 1024 === 0) return `${plain(value / 1024)} KiB`;
  return `${plain(value)} bytes`;
}

function duration(ms: number): string {
  if (ms >= DAY_MS && ms % DAY_MS === 0) return `${plain(ms / DAY_MS)} d`;
  if (ms >= HOUR_MS && ms % HOUR_MS === 0) return `${plain(ms / HOUR_MS)} h`;
  if (ms >= MINUTE_MS && ms % MINUTE_MS === 0) return `${plain(ms / MINUTE_MS)} min`;
  return ms >= SECOND_MS ? `${plain(ms / SECOND_MS)} s` : `${plain(ms)} ms`;
}

/** A value as a person reads it, by the unit at the end of its name: `maxResultBytes`, `MAX_DELAY_SECONDS`, `idleMs`. */
export function showAmount(name: string, value: number): string {
  const folded = name.toLowerCase();
  if (folded.endsWith("bytes") || /_bytes_per_\w+$/.test(folded)) return bytes(value);
  if (folded.endsWith("ms")) return duration(value);
  if (folded.endsWith("seconds")) return duration(value * SECOND_MS);
  if (folded.endsWith("characters")) return `${plain(value)} characters`;
  return plain(value);
}
