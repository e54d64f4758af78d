import type { AerostackError } from "@aerostack/contracts";
import type { Flight } from "../types.ts";

export type FlightKind = "request" | "socket";

/** Tells a flight why its process is gone. */
export type FlightExplainer = (flight: OpenFlight, error: unknown) => Promise<AerostackError>;

export class OpenFlight implements Flight {
  readonly functionKey: string;
  readonly kind: FlightKind;
  /** `performance.now()` at its start. */
  readonly beganAt: number;
  private readonly ledger: FlightLedger;

  constructor(ledger: FlightLedger, functionKey: string, kind: FlightKind) {
    this.ledger = ledger;
    this.functionKey = functionKey;
    this.kind = kind;
    this.beganAt = performance.now();
  }

  end(how: "answered" | "abandoned" = "answered"): void {
    this.ledger.end(this, how);
  }

  explain(error: unknown): Promise<AerostackError> {
    return this.ledger.explain(this, error);
  }
}

/** Which exchanges a process is busy with. On the hot path: one small object and two set operations per request. */
export class FlightLedger {
  readonly explain: FlightExplainer;
  /** `performance.now()` since when nothing is open. */
  idleSince = performance.now();
  /** `performance.now()` of the last answer: a sign of life. */
  lastAnswerAt = Number.NEGATIVE_INFINITY;
  private readonly open = new Set<OpenFlight>();
  private sockets = 0;
  private waiters: { kind: FlightKind | "any"; resolve: () => void }[] = [];
  private readonly onBusy: () => void;

  /** @param onBusy called when the first exchange begins after none were open */
  constructor(explain: FlightExplainer, onBusy: () => void) {
    this.explain = explain;
    this.onBusy = onBusy;
  }

  get size(): number {
    return this.open.size;
  }

  begin(functionKey: string, kind: FlightKind): OpenFlight {
    const flight = new OpenFlight(this, functionKey, kind);
    this.open.add(flight);
    if (kind === "socket") this.sockets++;
    if (this.open.size === 1) this.onBusy();
    return flight;
  }

  end(flight: OpenFlight, how: "answered" | "abandoned"): void {
    if (!this.open.delete(flight)) return;
    const now = performance.now();
    if (how === "answered") this.lastAnswerAt = now;
    if (flight.kind === "socket") this.sockets--;
    if (this.open.size === 0) this.idleSince = now;
    if (this.waiters.length > 0) this.settleWaiters();
  }

  /** Those open at this moment, oldest first. */
  list(): readonly OpenFlight[] {
    return [...this.open];
  }

  /** Resolves when nothing is open (`request`: nothing but sockets), or after `timeoutMs`. */
  async drained(kind: "request" | "any", timeoutMs: number): Promise<boolean> {
    if (this.isDrained(kind)) return true;
    const waiter = { kind, resolve: () => {} };
    const done = new Promise<boolean>((resolve) => {
      const timer = setTimeout(() => resolve(false), timeoutMs);
      waiter.resolve = () => {
        clearTimeout(timer);
        resolve(true);
      };
    });
    this.waiters.push(waiter);
    const drained = await done;
    this.waiters = this.waiters.filter((one) => one !== waiter);
    return drained;
  }

  private isDrained(kind: FlightKind | "any"): boolean {
    return kind === "any" ? this.open.size === 0 : this.open.size === this.sockets;
  }

  private settleWaiters(): void {
    for (const waiter of this.waiters) if (this.isDrained(waiter.kind)) waiter.resolve();
  }
}
