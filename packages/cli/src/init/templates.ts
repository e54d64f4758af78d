import { fileURLToPath } from "node:url";

export interface Template {
  readonly name: string;
  readonly summary: string;
}

/** In the order in which they are offered; each is a folder of `templates/`. */
export const TEMPLATES = [
  { name: "blank", summary: "One function that answers" },
  { name: "api", summary: "Hono and a SQL database, with a migration" },
  { name: "queue-worker", summary: "Takes jobs over HTTP, works through them from a queue" },
  { name: "cron", summary: "Runs on a schedule and keeps what it did" },
  { name: "websocket-chat", summary: "A chat room as a Durable Object, with its page" },
  { name: "static-site", summary: "Files of a site, and an API beside them" },
] as const satisfies readonly Template[];

export type TemplateName = (typeof TEMPLATES)[number]["name"];
export const TEMPLATE_NAMES: readonly TemplateName[] = TEMPLATES.map(({ name }) => name);

export function templateDirectory(name: TemplateName): string {
  return fileURLToPath(new URL(`../../templates/${name}`, import.meta.url));
}
