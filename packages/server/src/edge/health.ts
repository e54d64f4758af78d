import type { Hono } from "hono";
import type { AppEnv } from "./app-env.ts";

/** Resolves when the part works; rejects with the reason when it does not. */
export type ReadinessCheck = () => Promise<void>;

export interface Health {
  /** A part that must work for the server to take requests. */
  addCheck(name: string, check: ReadinessCheck): void;
  /** From now on the server is not ready: load balancers stop sending while it drains. */
  startDraining(): void;
  addRoutes(app: Hono<AppEnv>): void;
}

const CHECK_TIMEOUT_MS = 2_000;

/** `/healthz`: the process answers. `/readyz`: so does everything that it needs. */
export function createHealth(version: string): Health {
  const checks = new Map<string, ReadinessCheck>();
  let draining = false;

  async function runCheck(name: string, check: ReadinessCheck): Promise<readonly [string, "ok" | "failed"]> {
    let timer: NodeJS.Timeout | undefined;
    const timeout = new Promise<never>((_, reject) => {
      timer = setTimeout(() => reject(new Error("too slow")), CHECK_TIMEOUT_MS);
    });
    try {
      await Promise.race([check(), timeout]);
      return [name, "ok"];
    } catch {
      return [name, "failed"];
    } finally {
      clearTimeout(timer);
    }
  }

  return {
    addCheck: (name, check) => void checks.set(name, check),
    startDraining() {
      draining = true;
    },
    addRoutes(app) {
      app.get("/healthz", (c) => c.json({ status: "ok", version }));
      app.get("/readyz", async (c) => {
        const results = await Promise.all([...checks].map(([name, check]) => runCheck(name, check)));
        const ready = !draining && results.every(([, result]) => result === "ok");
        const status = draining ? "draining" : ready ? "ready" : "not ready";
        return c.json({ status, checks: Object.fromEntries(results) }, ready ? 200 : 503);
      });
    },
  };
}
