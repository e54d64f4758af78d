import type { RuntimeLimits } from "../limits.ts";
import type { FaultCode } from "./fault.ts";
import type { CpuTime, ProcessUsage } from "./process-usage.ts";

export interface WatchdogOptions {
  readonly limits: RuntimeLimits;
  readonly usage: ProcessUsage;
  /** Open exchanges of the process. */
  readonly busy: () => boolean;
  /** `performance.now()` of the last answer to an exchange. */
  readonly lastAnswerAt: () => number;
  /** Asks the process for a sign of life. Rejects when the process is gone. */
  readonly probe: () => Promise<void>;
  /** Called once. `lastAliveAt`: `performance.now()` of the last sign of life. */
  readonly onFault: (code: FaultCode, reason: string, lastAliveAt: number, stoppedAt: number) => void;
}

export interface Watchdog {
  /** Looks closely from now on. */
  wake(): void;
  stop(): void;
  /** Private memory at the last look, bytes. */
  memoryBytes(): number;
}

interface Probe {
  readonly sentAt: number;
  /** When the last exchange was answered before it was sent. */
  readonly answeredAt: number;
  /** CPU time of the process when it was sent. */
  readonly cpu: CpuTime;
  readonly memoryBytes: number;
  /** The most private memory that was seen since. */
  peakBytes: number;
  /** How often it was found unanswered. */
  looks: number;
}

/** A probe is given this long before the CPU time is read at all. */
const PATIENCE_MS = 500;
/** After the last exchange the process is watched closely for a while: it may go on in the background. */
const AFTERGLOW_MS = 2000;
/** Looks that must have found a probe unanswered before the process is ended, in case it was this process that hung. */
const MIN_LOOKS = 3;
/**
 * What grows by this share of the memory limit without answering is most probably on its way past that limit. On a slow
 * machine it may get there only after its CPU time is used up, so it is given more of that: what it is ended for is then what
 * is wrong with it, however fast the machine.
 */
const GROWING_SHARE = 0.25;
const GROWING_CPU_FACTOR = 2;
const MEBIBYTE = 1024 * 1024;

/**
 * CPU time that counts as computing. What the kernel does for a process counts only where it is more than the rest: how long
 * a page fault takes says something of the machine, not of the function. (Measured with functions that do nothing but
 * allocate: 30 to 40 % is the kernel's.)
 */
export function computingMs(from: CpuTime, to: CpuTime): number {
  const userMs = to.userMs - from.userMs;
  const systemMs = to.systemMs - from.systemMs;
  return Math.max(userMs, (userMs + systemMs) / 2);
}

/**
 * Ends a process that runs away. workerd has neither CPU nor memory limits of its own, and one endless loop hangs all of a
 * process, so the only sign of it is that nothing is answered while CPU time passes.
 */
export function createWatchdog(options: WatchdogOptions): Watchdog {
  const { limits, usage } = options;
  let timer: NodeJS.Timeout | undefined;
  let close = false;
  let stopped = false;
  let lastBusyAt = performance.now();
  let lastAliveAt = performance.now();
  let memory = 0;
  let probe: Probe | undefined;
  let lastProbeAt = Number.NEGATIVE_INFINITY;

  function fault(code: FaultCode, reason: string, stoppedAt: number): void {
    stop();
    options.onFault(code, reason, lastAliveAt, stoppedAt);
  }

  function sendProbe(now: number): void {
    const sent: Probe = {
      sentAt: now,
      answeredAt: options.lastAnswerAt(),
      cpu: usage.cpu(),
      memoryBytes: memory,
      peakBytes: memory,
      looks: 0,
    };
    probe = sent;
    lastProbeAt = now;
    options.probe().then(
      () => {
        lastAliveAt = performance.now();
        if (probe === sent) probe = undefined;
      },
      // The connection broke: if the process is gone its exit says so, else the next probe will.
      () => {
        if (probe === sent) probe = undefined;
      },
    );
  }

  function judgeSilence(now: number, sent: Probe): void {
    sent.looks++;
    sent.peakBytes = Math.max(sent.peakBytes, memory);
    lastAliveAt = Math.max(lastAliveAt, sent.answeredAt);
    const waited = now - sent.sentAt;
    if (waited < PATIENCE_MS || sent.looks < MIN_LOOKS) return;
    const cpuMs = computingMs(sent.cpu, usage.cpu());
    const grownBytes = sent.peakBytes - sent.memoryBytes;
    const isGrowing = grownBytes >= limits.memoryLimitBytes * GROWING_SHARE;
    if (cpuMs >= limits.cpuLimitMs * (isGrowing ? GROWING_CPU_FACTOR : 1)) {
      const meanwhile = isGrowing ? `, and its memory grew by ${Math.round(grownBytes / MEBIBYTE)} MB meanwhile` : "";
      const used = `it used ${(cpuMs / 1000).toFixed(1)} s of CPU time without yielding${meanwhile}.`;
      fault("FUNCTION_CPU_LIMIT", used, sent.sentAt);
    } else if (waited >= limits.stallLimitMs) {
      // On a machine short of CPU a loop gets there more slowly.
      const spinning = cpuMs >= limits.cpuLimitMs / 2;
      fault(
        spinning ? "FUNCTION_CPU_LIMIT" : "FUNCTION_CRASHED",
        `it did not answer for ${Math.round(waited / 1000)} s.`,
        sent.sentAt,
      );
    }
  }

  function look(): void {
    timer = undefined;
    const now = performance.now();
    memory = usage.memoryBytes();
    if (memory > limits.memoryLimitBytes) {
      const used = Math.round(memory / MEBIBYTE);
      const allowed = Math.round(limits.memoryLimitBytes / MEBIBYTE);
      fault("FUNCTION_MEMORY_LIMIT", `it used ${used} MB of memory of the ${allowed} MB allowed.`, now);
      return;
    }
    if (options.busy()) lastBusyAt = now;
    close = probe !== undefined || now - lastBusyAt < AFTERGLOW_MS;
    if (probe !== undefined) judgeSilence(now, probe);
    else if (now - lastProbeAt >= limits.probeIntervalMs) sendProbe(now);
    if (!stopped) schedule();
  }

  function schedule(): void {
    timer = setTimeout(look, close ? limits.watchIntervalMs : limits.idleWatchIntervalMs);
    timer.unref();
  }

  function stop(): void {
    stopped = true;
    clearTimeout(timer);
  }

  schedule();
  return {
    wake() {
      if (close || stopped) return;
      close = true;
      clearTimeout(timer);
      schedule();
    },
    stop,
    memoryBytes: () => memory,
  };
}
