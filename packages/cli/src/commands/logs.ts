import { type LogLine, listLogsResponseSchema } from "@aerostack/contracts";
import { apiPath } from "../api/api-client.ts";
import { usageError } from "../command/cli-error.ts";
import type { CommandContext } from "../command/context.ts";
import { defineCommand } from "../command/define-command.ts";
import { choice, flag, integer, text } from "../command/option.ts";
import { followLogs } from "../logs/follow-logs.ts";
import { parseMoment } from "../logs/parse-moment.ts";
import { renderLogEntry } from "../logs/render-log-entry.ts";
import { cursorOption } from "./shared-options.ts";

export const logsCommand = defineCommand({
  name: "logs",
  summary: "Show what functions logged and which calls they served",
  details: [
    "Oldest first, newest at the end. With --follow it goes on until Ctrl-C; with --json each entry is a line.",
  ],
  options: {
    follow: flag("Go on with new entries as they come", { short: "f" }),
    function: text("name", "Only of this function"),
    env: choice("environment", "Only of this environment", ["staging", "production"], undefined),
    level: choice("level", "Only of this level and those above it", ["debug", "info", "warn", "error"], undefined),
    status: text("status", "Only calls answered with this status, such as 500 or 5xx"),
    text: text("text", "Only what contains this text"),
    requestId: text("id", "Only of this request"),
    since: text("time", "Only from this time on: 15m, 2h, 1d, or 2026-01-31T09:00:00Z"),
    until: text("time", "Only up to this time"),
    limit: integer("count", "Most entries to show", { min: 1, max: 200 }, 50, { short: "n" }),
    cursor: cursorOption,
  },
  examples: [
    { command: "aerostack logs -f", explanation: "Watch everything" },
    { command: "aerostack logs --level error --since 1h", explanation: "Errors of the last hour" },
  ],
  async run(context, { options }) {
    const now = context.surroundings.now();
    const { function: name, env, level, status, requestId, limit, cursor } = options;
    const moment = (value: string | undefined, option: string) =>
      value === undefined ? undefined : parseMoment(value, option, now);
    const since = moment(options.since, "--since");
    const until = moment(options.until, "--until");
    if (options.follow && (until !== undefined || cursor !== undefined)) {
      throw usageError("--follow goes on from now; --until and --cursor do not go with it.");
    }
    const project = await context.project();
    const api = await context.api();
    const filter = { function: name, env, level, status, text: options.text, requestId };
    const query = { ...filter, since, until, limit, cursor };
    const page = await api.call("GET", apiPath("projects", project.id, "logs"), listLogsResponseSchema, { query });
    const entries = page.logs.toSorted((a, b) => Date.parse(a.time) - Date.parse(b.time));

    if (!options.follow) {
      return {
        data: { logs: entries, nextCursor: page.nextCursor ?? null },
        render(terminal) {
          if (entries.length === 0) terminal.note("No entries.");
          for (const entry of entries) writeEntry(context, entry);
          if (page.nextCursor != null) terminal.note(terminal.noteStyle.dim(`Older: add --cursor ${page.nextCursor}`));
        },
      };
    }

    const path = apiPath("projects", project.id, "logs");
    const seen = createSeenEntries();
    let newest = new Date(now).toISOString();
    function show(entry: LogLine): void {
      if (!seen.isNew(entry.id)) return;
      if (entry.time > newest) newest = entry.time;
      writeEntry(context, entry);
    }
    for (const entry of entries) show(entry);
    const { signal, sleep } = context.surroundings;
    await followLogs({
      api,
      projectId: project.id,
      filter,
      signal,
      sleep,
      onConnected(again) {
        if (!again) context.terminal.note(context.terminal.noteStyle.dim("Waiting for new entries. Ctrl-C ends."));
        // What was logged while the stream was broken. A failure here shows as the next break.
        else
          void api
            .call("GET", path, listLogsResponseSchema, { query: { ...filter, since: newest, limit: CATCH_UP_LIMIT } })
            .then(
              ({ logs }) => logs.toReversed().forEach(show),
              () => {},
            );
      },
      onInterrupted: (reason) => context.terminal.warn(`The stream broke (${reason}); connecting again.`),
      onEntry: show,
    });
    return undefined;
  },
});

/** Most entries fetched after a break. */
const CATCH_UP_LIMIT = 200;
const REMEMBERED_ENTRIES = 1000;

/** Knows the last entries that were shown: the page, the stream and what is fetched after a break overlap. */
function createSeenEntries(): { isNew(id: string): boolean } {
  const ids = new Set<string>();
  return {
    isNew(id) {
      if (ids.has(id)) return false;
      ids.add(id);
      const oldest = ids.size > REMEMBERED_ENTRIES ? ids.values().next().value : undefined;
      if (oldest !== undefined) ids.delete(oldest);
      return true;
    },
  };
}

function writeEntry({ terminal }: CommandContext, entry: LogLine): void {
  terminal.event(entry, () => {
    for (const line of renderLogEntry(entry, terminal.style)) terminal.line(line);
  });
}
