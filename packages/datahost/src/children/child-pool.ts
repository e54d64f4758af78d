import { AerostackError } from "@aerostack/contracts/errors";
import type { HostLimits } from "../limits.ts";
import { type SqlProcess, startSqlProcess } from "./child-process.ts";
import type { ChildSettings } from "./child-protocol.ts";
import type { ProcessLedger } from "./process-ledger.ts";

/** A process in use by one piece of work. */
export interface SqlProcessLease {
  readonly process: SqlProcess;
  /** Gives it back; exactly once. A process that was killed meanwhile is forgotten. */
  release(): void;
}

/**
 * Processes of one role. Work waits in the host, never in a process, so that who is stuck holds up nobody; each project has
 * at most its share of the processes, and those that wait take turns by project. Started when needed, stopped when idle.
 */
export interface ChildPool {
  /** @throws AerostackError DB_OVERLOADED when too much of the project's work waits. */
  acquire(projectId: string): Promise<SqlProcessLease>;
  /** Lets every process that has the file open close it; one that works on it is waited for. */
  releaseFile(path: string): Promise<void>;
  close(): Promise<void>;
  readonly size: number;
  readonly waiting: number;
}

export interface ChildPoolOptions {
  readonly role: ChildSettings["role"];
  readonly limits: HostLimits;
  readonly ledger: ProcessLedger;
  readonly onDefect: (description: string) => void;
  readonly start?: typeof startSqlProcess;
}

/** A process that works on one thing for this long counts as stuck: another may be started beyond the usual number. */
const STUCK_MS = 250;
const CLOSE_TIMEOUT_MS = 2_000;

interface Member {
  readonly process: SqlProcess;
  projectId: string | undefined;
  busySinceMs: number;
  idleTimer: NodeJS.Timeout | undefined;
  /** Called when it is given back or gone. */
  readonly freed: (() => void)[];
}

interface Waiter {
  readonly resolve: (lease: SqlProcessLease) => void;
  readonly reject: (error: unknown) => void;
}

export function createChildPool({
  role,
  limits,
  ledger,
  onDefect,
  start = startSqlProcess,
}: ChildPoolOptions): ChildPool {
  const members = new Set<Member>();
  const waiting = new Map<string, Waiter[]>();
  const working = new Map<string, number>();
  let retryTimer: NodeJS.Timeout | undefined;
  let closed = false;

  function startMember(): Member {
    const member: Member = {
      process: start({ role, limits, ledger, onDefect, onExit: () => forget(member) }),
      projectId: undefined,
      busySinceMs: 0,
      idleTimer: undefined,
      freed: [],
    };
    members.add(member);
    return member;
  }

  function forget(member: Member): void {
    clearTimeout(member.idleTimer);
    members.delete(member);
    for (const listener of member.freed.splice(0)) listener();
    dispatch();
  }

  /** A free process, or a new one where there is room. */
  function findMember(): Member | undefined {
    for (const member of members) if (member.projectId === undefined && member.process.isAlive) return member;
    if (members.size < limits.maxChildren) return startMember();
    if (members.size >= limits.maxChildren + limits.maxOverflowChildren) return undefined;
    const now = performance.now();
    let soonestStuckMs = 0;
    for (const member of members) soonestStuckMs = Math.max(soonestStuckMs, member.busySinceMs + STUCK_MS - now);
    if (soonestStuckMs <= 0) return startMember();
    retryTimer ??= setTimeout(() => {
      retryTimer = undefined;
      dispatch();
    }, soonestStuckMs);
    return undefined;
  }

  function dispatch(): void {
    if (closed) return;
    // Projects take turns: who got a process goes to the end.
    for (const [projectId, waiters] of [...waiting]) {
      if ((working.get(projectId) ?? 0) >= limits.maxChildrenPerProject) continue;
      const member = findMember();
      if (member === undefined) return;
      const waiter = waiters.shift();
      waiting.delete(projectId);
      if (waiters.length > 0) waiting.set(projectId, waiters);
      if (waiter !== undefined) waiter.resolve(lease(member, projectId));
    }
  }

  function lease(member: Member, projectId: string): SqlProcessLease {
    clearTimeout(member.idleTimer);
    member.projectId = projectId;
    member.busySinceMs = performance.now();
    working.set(projectId, (working.get(projectId) ?? 0) + 1);
    let released = false;
    return {
      process: member.process,
      release() {
        if (released) return;
        released = true;
        const left = (working.get(projectId) ?? 1) - 1;
        if (left > 0) working.set(projectId, left);
        else working.delete(projectId);
        member.projectId = undefined;
        for (const listener of member.freed.splice(0)) listener();
        if (members.size > limits.maxChildren) retire(member);
        else if (member.process.isAlive) watchIdle(member);
        dispatch();
      },
    };
  }

  function watchIdle(member: Member): void {
    member.idleTimer = setTimeout(() => retire(member), limits.childIdleMs);
    member.idleTimer.unref();
  }

  function retire(member: Member): void {
    members.delete(member);
    member.process.stop();
  }

  function countWaiting(): number {
    let count = 0;
    for (const waiters of waiting.values()) count += waiters.length;
    return count;
  }

  return {
    acquire(projectId) {
      if (closed) return Promise.reject(new AerostackError("SERVICE_UNAVAILABLE"));
      const mayStart = (working.get(projectId) ?? 0) < limits.maxChildrenPerProject && !waiting.has(projectId);
      const member = mayStart ? findMember() : undefined;
      if (member !== undefined) return Promise.resolve(lease(member, projectId));
      let waiters = waiting.get(projectId);
      if (waiters === undefined) {
        waiters = [];
        waiting.set(projectId, waiters);
      }
      if (waiters.length >= limits.maxWaitingReads) {
        return Promise.reject(new AerostackError("DB_OVERLOADED", { retryAfterSeconds: 1 }));
      }
      const own = waiters;
      return new Promise((resolve, reject) => own.push({ resolve, reject }));
    },
    async releaseFile(path) {
      await Promise.all(
        [...members].map(async (member) => {
          while (member.projectId !== undefined) await new Promise<void>((resolve) => member.freed.push(resolve));
          if (!member.process.isAlive) {
            if (members.has(member)) await new Promise<void>((resolve) => member.freed.push(resolve));
            return;
          }
          const own = lease(member, "");
          try {
            await member.process.run({ kind: "close", path }, CLOSE_TIMEOUT_MS);
          } catch {
            // It is gone, and its open files with it.
          } finally {
            own.release();
          }
        }),
      );
    },
    async close() {
      closed = true;
      clearTimeout(retryTimer);
      const gone = [...members].map(
        (member) =>
          new Promise<void>((resolve) => {
            member.freed.push(resolve);
            clearTimeout(member.idleTimer);
            if (member.projectId === undefined) member.process.stop();
            else member.process.kill();
          }),
      );
      for (const waiters of waiting.values()) {
        for (const waiter of waiters) waiter.reject(new AerostackError("SERVICE_UNAVAILABLE"));
      }
      waiting.clear();
      await Promise.all(gone);
    },
    get size() {
      return members.size;
    },
    get waiting() {
      return countWaiting();
    },
  };
}
