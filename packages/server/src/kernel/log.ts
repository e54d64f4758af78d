import { type DestinationStream, type Logger, pino } from "pino";

export type { Logger } from "pino";

/** What a log line never shows, wherever in it the name stands within two levels. */
const SECRET_FIELDS = [
  "password",
  "token",
  "refreshToken",
  "secret",
  "apiKey",
  "api_key",
  "authorization",
  "cookie",
  "value",
  '["x-api-key"]',
  '["x-aerostack-key"]',
  '["set-cookie"]',
] as const;

export interface LoggerOptions {
  readonly level: string;
  /** Standard error by default: standard output belongs to the banner. */
  readonly destination?: DestinationStream;
}

/** The server's own log: one JSON object a line, secrets left out by name. */
export function createLogger({
  level,
  destination = pino.destination({ dest: 2, sync: true }),
}: LoggerOptions): Logger {
  const paths = SECRET_FIELDS.flatMap((field) =>
    field.startsWith("[") ? [field, `*${field}`] : [field, `*.${field}`, `*.*.${field}`],
  );
  return pino(
    {
      level,
      base: null,
      timestamp: pino.stdTimeFunctions.isoTime,
      redact: { paths, censor: "[redacted]" },
      // Messages and stacks quote what they failed on, keys included.
      hooks: { streamWrite: maskCredentials },
    },
    destination,
  );
}

const MASKED: readonly (readonly [pattern: RegExp, replacement: string])[] = [
  [/\b(?:ak|pk|sk|ask|mwt|aek|ac|rt)_[A-Za-z0-9_]{12,}/g, "[redacted]"],
  [/\beyJ[\w-]+\.[\w-]+\.[\w-]+/g, "[redacted]"],
  [/([?&#](?:apiKey|token|key)=)[^&\s"\\]+/gi, "$1[redacted]"],
];

/** Text that may quote a header, URL or body, with the keys and tokens in it masked. */
export function maskCredentials(text: string): string {
  return MASKED.reduce((masked, [pattern, replacement]) => masked.replace(pattern, replacement), text);
}
