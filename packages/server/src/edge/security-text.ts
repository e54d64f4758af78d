import type { Hono } from "hono";
import type { AppEnv } from "./app-env.ts";

export interface SecurityTextOptions {
  /** `mailto:…` or `https://…`. */
  readonly contact: string;
  readonly origin: string;
  readonly validDays: number;
  readonly now: () => number;
}

const DAY_MS = 24 * 60 * 60_000;
const PATH = "/.well-known/security.txt";

/** Whom to tell of a weakness (RFC 9116). Its end is counted from when it is read, so it never lies in the past. */
export function addSecurityText({ contact, origin, validDays, now }: SecurityTextOptions) {
  return (app: Hono<AppEnv>): void => {
    app.get(PATH, (c) => {
      const expires = new Date(now() + validDays * DAY_MS).toISOString();
      const lines = [
        `Contact: ${contact}`,
        `Expires: ${expires}`,
        "Preferred-Languages: en",
        `Canonical: ${origin}${PATH}`,
      ];
      return c.text(`${lines.join("\n")}\n`);
    });
  };
}
