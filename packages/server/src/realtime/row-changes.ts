import { type ChangedRow, type ChangesEvent, readChangeSet, type RowChange as ToldChange } from "@aerostack/datahost";
import { type Clock, randomText } from "@aerostack/kernel";
import { shownCell } from "../database/service.ts";
import type { Bus } from "../kernel/bus/bus.ts";
import type { HostCall } from "../kernel/host-call.ts";
import type { Logger } from "../kernel/log.ts";
import { fitRow } from "./fit-row.ts";

type Row = Readonly<Record<string, unknown>>;

/** A change as subscribers hear of it. */
export interface ShownChange {
  readonly table: string;
  readonly operation: "INSERT" | "UPDATE" | "DELETE";
  /** After the change; of a deleted row, what it was. */
  readonly data: Row;
  readonly old?: Row;
  /** Columns that were too large to be told. */
  readonly truncated?: readonly string[];
}

/** The changes of a part of a commit. */
export interface ToldChanges {
  readonly projectId: string;
  /** What is told again after a failure has the same source and position. */
  readonly source: string;
  readonly position: number;
  /** In their order. */
  readonly changes: readonly ShownChange[];
  /** Tables of which so much was changed at once that the rows are not told. */
  readonly untold: readonly string[];
}

export interface RowChangesOptions {
  readonly call: HostCall;
  readonly bus: Bus;
  readonly clock: Clock;
  readonly log: Logger;
  /** Called in the order of the commits, one after the other; again for what it failed with. */
  readonly onChanges: (told: ToldChanges) => Promise<void>;
  /** How far a source was told, by this server or the one before it; null: it was not. */
  readonly positionOf: (source: string) => Promise<number | null>;
  /** Whether a subscriber of this server listens to the table. */
  readonly isListenedTo: (projectId: string, table: string) => boolean;
}

export interface RowChanges {
  /** Every commit after it resolves is told. */
  watch(projectId: string, table: string): Promise<void>;
  /** Takes what the data host tells. */
  receive(event: ChangesEvent): void;
  deleteProject(projectId: string): void;
  close(): void;
}

const DATABASE = "main";
/** A table stays watched for so long after its last listener, who may be on the way back. */
const LINGER_MS = 5 * 60_000;
const REFRESH_MS = 20_000;
const RETRY_MS = 500;
const ANSWER_TIMEOUT_MS = 1_000;
const SERVER_SEEN_FOR_MS = 3 * REFRESH_MS;
const NODE_CHARACTERS = 12;
const WATCH_TOPIC = "realtime:watch";
const WATCHED_TOPIC = "realtime:watched";

interface WatchMessage {
  readonly node: string;
  /** Asks for an answer once it is in force. */
  readonly ask?: string;
  readonly tables: readonly (readonly [projectId: string, table: string])[];
}

interface WatchedProject {
  /** When each table was wanted last. */
  readonly wantedAtMs: Map<string, number>;
  applying: Promise<void>;
}

const sourceOf = (projectId: string): string => `${projectId}/${DATABASE}`;

function shown(row: ChangedRow | null): Row | undefined {
  if (row === null) return undefined;
  return Object.fromEntries(Object.entries(row).map(([column, cell]) => [column, shownCell(cell)]));
}

function toShown({ table, operation, row, old }: ToldChange): ShownChange[] {
  const [after, before] = [shown(row), shown(old)];
  const data = after ?? before;
  if (data === undefined) return [];
  return [{ table, operation, ...fitRow({ data, ...(before === undefined ? {} : { old: before }) }) }];
}

/**
 * Has the data host tell of changes in those tables that somebody listens to, here or at another server, and of no others:
 * being told costs each write a little. A table that nobody listens to any more is let go after a while.
 */
export function createRowChanges(options: RowChangesOptions): RowChanges {
  const { call, bus, clock, log } = options;
  const node = randomText(NODE_CHARACTERS);
  const projects = new Map<string, WatchedProject>();
  /** Other servers, and when each was heard of. */
  const servers = new Map<string, number>();
  const arrived: ChangesEvent[] = [];
  let closed = false;
  const answers = new Map<string, (from: string) => void>();

  function fail(what: string) {
    return (err: unknown) => log.warn({ err }, what);
  }

  /** In turn: each says all tables there are then. */
  function apply(projectId: string, project: WatchedProject): Promise<void> {
    const run = async (): Promise<void> => {
      const tables = [...project.wantedAtMs.keys()];
      const after = await options.positionOf(sourceOf(projectId));
      await call("changes.watch", { projectId, database: DATABASE, tables, after });
    };
    project.applying = project.applying.then(run, run);
    project.applying.catch(() => {});
    return project.applying;
  }

  /** On this server's data host. */
  async function want(projectId: string, table: string): Promise<void> {
    const project = projects.get(projectId) ?? { wantedAtMs: new Map<string, number>(), applying: Promise.resolve() };
    projects.set(projectId, project);
    const isNew = !project.wantedAtMs.has(table);
    project.wantedAtMs.set(table, clock.now());
    if (!isNew) {
      await project.applying;
      return;
    }
    try {
      await apply(projectId, project);
    } catch (error) {
      project.wantedAtMs.delete(table);
      throw error;
    }
  }

  /** Resolves when the other servers that are known to live have it in force, or have not said so in time. */
  function wantElsewhere(projectId: string, table: string): Promise<void> {
    const seenSince = clock.now() - SERVER_SEEN_FOR_MS;
    const silent = new Set([...servers].filter(([, seenAtMs]) => seenAtMs >= seenSince).map(([id]) => id));
    const ask = randomText(NODE_CHARACTERS);
    const message: WatchMessage = { node, ask, tables: [[projectId, table]] };
    if (silent.size === 0) {
      bus.publish(WATCH_TOPIC, message);
      return Promise.resolve();
    }
    return new Promise((resolve) => {
      const finish = (): void => {
        clearTimeout(timer);
        answers.delete(ask);
        resolve();
      };
      const timer = setTimeout(finish, ANSWER_TIMEOUT_MS);
      answers.set(ask, (from) => {
        silent.delete(from);
        if (silent.size === 0) finish();
      });
      bus.publish(WATCH_TOPIC, message);
    });
  }

  async function tell({ projectId, database, seq, body }: ChangesEvent): Promise<void> {
    if (database !== DATABASE) return;
    const { changes, untold } = readChangeSet(body);
    const source = sourceOf(projectId);
    await options.onChanges({ projectId, source, position: seq, changes: changes.flatMap(toShown), untold });
  }

  /** One after the other: what cannot be handed on is tried again before what came after it. */
  async function tellAll(): Promise<void> {
    for (let event = arrived[0]; event !== undefined; event = arrived[0]) {
      try {
        await tell(event);
      } catch (err) {
        if (closed) return;
        fail("changes of rows could not be handed on; they are tried again")(err);
        await new Promise((resolve) => setTimeout(resolve, RETRY_MS));
        continue;
      }
      arrived.shift();
      const { projectId, database, seq } = event;
      call("changes.ack", { projectId, database, seq }).catch(fail("changes were not acknowledged"));
    }
  }

  const stopWatch = bus.subscribe(WATCH_TOPIC, (text) => {
    const message = text as WatchMessage;
    if (message.node === node) return;
    servers.set(message.node, clock.now());
    Promise.all(message.tables.map(([projectId, table]) => want(projectId, table))).then(() => {
      if (message.ask !== undefined) bus.publish(WATCHED_TOPIC, { node, ask: message.ask });
    }, fail("tables that another server listens to are not watched"));
  });
  const stopWatched = bus.subscribe(WATCHED_TOPIC, (text) => {
    const { node: from, ask } = text as { readonly node: string; readonly ask: string };
    answers.get(ask)?.(from);
  });

  /** Tells the others what is listened to here, and lets go of what nobody listened to for long. */
  function refresh(): void {
    const now = clock.now();
    const tables: [string, string][] = [];
    for (const [projectId, project] of projects) {
      let letGo = false;
      for (const [table, wantedAtMs] of project.wantedAtMs) {
        if (options.isListenedTo(projectId, table)) {
          project.wantedAtMs.set(table, now);
          tables.push([projectId, table]);
        } else if (now - wantedAtMs > LINGER_MS) {
          project.wantedAtMs.delete(table);
          letGo = true;
        }
      }
      if (!letGo) continue;
      if (project.wantedAtMs.size === 0) projects.delete(projectId);
      apply(projectId, project).catch(fail("tables that nobody listens to are still watched"));
    }
    bus.publish(WATCH_TOPIC, { node, tables } satisfies WatchMessage);
  }
  const timer = setInterval(refresh, REFRESH_MS);
  timer.unref();
  // Others learn at once that there is one more.
  bus.publish(WATCH_TOPIC, { node, tables: [] } satisfies WatchMessage);

  return {
    async watch(projectId, table) {
      const isKnown = projects.get(projectId)?.wantedAtMs.has(table) === true;
      await Promise.all([want(projectId, table), isKnown ? undefined : wantElsewhere(projectId, table)]);
    },
    receive(event) {
      arrived.push(event);
      if (arrived.length === 1) void tellAll();
    },
    deleteProject: (projectId) => void projects.delete(projectId),
    close() {
      closed = true;
      clearInterval(timer);
      stopWatch();
      stopWatched();
    },
  };
}
