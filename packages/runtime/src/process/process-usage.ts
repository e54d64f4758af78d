import { execFile } from "node:child_process";
import { closeSync, openSync, readFileSync, readSync } from "node:fs";

/** Reads what a process uses. Values are those of the last reading; a process that is gone keeps its last. */
export interface ProcessUsage {
  /** Private (anonymous) memory in bytes. */
  memoryBytes(): number;
  /** CPU time of all threads so far. */
  cpu(): CpuTime;
  close(): void;
}

export interface CpuTime {
  /** Spent in the program itself; all of it where the system does not tell the two apart. */
  readonly userMs: number;
  /** Spent in the kernel for it: in workerd hardly anything but page faults, so the price of touching new memory. */
  readonly systemMs: number;
}

const NO_TIME: CpuTime = { userMs: 0, systemMs: 0 };

// Linux counts CPU time in clock ticks of 1/100 s on every architecture Node runs on (USER_HZ).
const MS_PER_TICK = 10;
const STAT_BYTES = 1024;
/** `ps` is a process of its own: ask it less often than the kernel's files. */
const PS_INTERVAL_MS = 500;

let pageBytes: number | undefined;

/** Size of a page of memory, from the auxiliary vector (AT_PAGESZ), 4 KiB where that cannot be read. */
function readPageBytes(): number {
  if (pageBytes !== undefined) return pageBytes;
  const AT_PAGESZ = 6n;
  const ENTRY_BYTES = 16;
  pageBytes = 4096;
  try {
    const vector = readFileSync("/proc/self/auxv");
    for (let at = 0; at + ENTRY_BYTES <= vector.length; at += ENTRY_BYTES) {
      if (vector.readBigUInt64LE(at) === AT_PAGESZ) pageBytes = Number(vector.readBigUInt64LE(at + 8));
    }
  } catch {
    // Keep the default.
  }
  return pageBytes;
}

export function createProcessUsage(pid: number, platform = process.platform): ProcessUsage {
  return platform === "linux" ? createProcUsage(pid) : createPsUsage(pid);
}

/** From /proc: two short reads on files that stay open, about 10 µs each. */
function createProcUsage(pid: number): ProcessUsage {
  const page = readPageBytes();
  const buffer = Buffer.alloc(STAT_BYTES);
  const statm = openSync(`/proc/${pid}/statm`, "r");
  const stat = openSync(`/proc/${pid}/stat`, "r");
  let memory = 0;
  let cpu = NO_TIME;
  let open = true;

  function read(file: number): string {
    return buffer.toString("latin1", 0, readSync(file, buffer, 0, STAT_BYTES, 0));
  }

  return {
    memoryBytes() {
      try {
        // size resident shared …: resident minus shared (files and shared memory) is what is the process's own.
        const [, resident, shared] = read(statm).split(" ", 3);
        memory = (Number(resident) - Number(shared)) * page;
      } catch {
        // ESRCH: the process is gone.
      }
      return memory;
    },
    cpu() {
      try {
        const text = read(stat);
        // The second field, the command in parentheses, may hold spaces; utime and stime are fields 14 and 15.
        const fields = text.slice(text.lastIndexOf(")") + 2).split(" ");
        cpu = { userMs: Number(fields[11]) * MS_PER_TICK, systemMs: Number(fields[12]) * MS_PER_TICK };
      } catch {
        // ESRCH: the process is gone.
      }
      return cpu;
    },
    close() {
      if (!open) return;
      open = false;
      closeSync(statm);
      closeSync(stat);
    },
  };
}

/** From `ps`, in the background: each call gives the reading before. */
function createPsUsage(pid: number): ProcessUsage {
  let memory = 0;
  let cpu = NO_TIME;
  let readAt = Number.NEGATIVE_INFINITY;
  let reading = false;
  let open = true;

  function refresh(): void {
    if (!open || reading || performance.now() - readAt < PS_INTERVAL_MS) return;
    reading = true;
    execFile("ps", ["-o", "rss=,time=", "-p", String(pid)], (error, output) => {
      reading = false;
      readAt = performance.now();
      if (error !== null) return;
      const [rss, time] = output.trim().split(/\s+/, 2);
      memory = Number(rss) * 1024;
      cpu = { userMs: parsePsTime(time ?? ""), systemMs: 0 };
    });
  }

  return {
    memoryBytes() {
      refresh();
      return memory;
    },
    cpu() {
      refresh();
      return cpu;
    },
    close() {
      open = false;
    },
  };
}

/** `[[dd-]hh:]mm:ss[.cc]` in milliseconds. */
export function parsePsTime(text: string): number {
  const [days, clock] = text.includes("-") ? text.split("-", 2) : ["0", text];
  const seconds = (clock ?? "").split(":").reduce((total, part) => total * 60 + Number(part), 0);
  const total = (Number(days) * 86_400 + seconds) * 1000;
  return Number.isFinite(total) ? total : 0;
}
