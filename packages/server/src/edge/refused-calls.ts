/**
 * Counts the calls for a project that its limits never saw, because the server refused them by their address, and tells each
 * project once a minute how many there were. However many come, a project gets one line a minute from each server, and what is
 * remembered meanwhile is bounded: names that nobody has cost a look-up each, no more than `MAX_NAMES` a minute.
 */
export interface RefusedCalls {
  /** @param path of a call that was refused */
  note(path: string): void;
  /** Tells what was counted since the last time. */
  tell(): Promise<void>;
  start(): void;
  /** Tells the rest. */
  close(): Promise<void>;
}

export interface RefusedCallsOptions {
  readonly findProject: (slugOrId: string) => Promise<{ readonly id: string } | undefined>;
  readonly tellProject: (projectId: string, message: string) => void;
  readonly onError: (error: unknown) => void;
}

const WINDOW_MS = 60_000;
const MAX_NAMES = 1_000;
const MAX_NAME_CHARACTERS = 100;
const PUBLIC_PATH = /^\/api\/v1\/public\/projects\/([^/]+)\//;

export function createRefusedCalls({ findProject, tellProject, onError }: RefusedCallsOptions): RefusedCalls {
  let counts = new Map<string, number>();
  let timer: NodeJS.Timeout | undefined;

  async function tell(): Promise<void> {
    const counted = counts;
    counts = new Map();
    // By slug and by id are the same project.
    const byProject = new Map<string, number>();
    for (const [name, count] of counted) {
      const project = await findProject(name);
      if (project !== undefined) byProject.set(project.id, (byProject.get(project.id) ?? 0) + count);
    }
    for (const [projectId, count] of byProject) {
      const calls = count === 1 ? "1 call was" : `${count} calls were`;
      tellProject(projectId, `${calls} refused within a minute, because too many came from one address.`);
    }
  }

  return {
    note(path) {
      const name = PUBLIC_PATH.exec(path)?.[1];
      if (name === undefined || name.length > MAX_NAME_CHARACTERS) return;
      const count = counts.get(name);
      if (count === undefined && counts.size >= MAX_NAMES) return;
      counts.set(name, (count ?? 0) + 1);
    },
    tell,
    start() {
      timer ??= setInterval(() => void tell().catch(onError), WINDOW_MS).unref();
    },
    async close() {
      clearInterval(timer);
      await tell();
    },
  };
}
