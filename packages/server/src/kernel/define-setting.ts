import { z } from "zod";

/** One setting of the server, as the start reads it and the reference page shows it. */
export interface Setting<Schema extends z.ZodType = z.ZodType> {
  readonly variable: string;
  readonly schema: Schema;
  /** What a person is told the value may be. */
  readonly allowed: string;
  readonly description: string;
  /** The default as the reference page shows it; null where the setting is off unless given. */
  readonly fallback: string | null;
  /** True: the value may hold a credential and is never printed. */
  readonly secret: boolean;
  readonly group: SettingGroup;
}

export const SETTING_GROUPS = [
  "Server",
  "Engines",
  "Network",
  "Log-in",
  "Messages",
  "Functions",
  "Limits",
  "Observability",
] as const;
export type SettingGroup = (typeof SETTING_GROUPS)[number];

interface SettingOptions<Schema extends z.ZodType> {
  readonly schema: Schema;
  readonly allowed: string;
  readonly description: string;
  readonly fallback?: string;
  readonly secret?: boolean;
}

export function setting<Schema extends z.ZodType>(
  group: SettingGroup,
  variable: string,
  options: SettingOptions<Schema>,
): Setting<Schema> {
  return {
    variable,
    group,
    schema: options.schema,
    allowed: options.allowed,
    description: options.description,
    fallback: options.fallback ?? null,
    secret: options.secret ?? false,
  };
}

export function wholeNumber(minimum: number, maximum: number) {
  return z
    .string()
    .regex(/^\d{1,12}$/)
    .transform(Number)
    .pipe(z.int().min(minimum).max(maximum));
}

export function numberSetting(
  group: SettingGroup,
  variable: string,
  bounds: { minimum: number; maximum: number; fallback: number; description: string },
) {
  return setting(group, variable, {
    schema: wholeNumber(bounds.minimum, bounds.maximum),
    allowed: `a whole number from ${bounds.minimum} to ${bounds.maximum}`,
    description: bounds.description,
    fallback: String(bounds.fallback),
  });
}

export function urlWithProtocol(protocols: readonly string[]) {
  return z.string().refine((text) => URL.canParse(text) && protocols.includes(new URL(text).protocol.slice(0, -1)));
}
