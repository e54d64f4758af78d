// What a function gets as `env.DB`: workerd's own D1 database, and `transaction(callback, { leaseMs })` beside D1's
// methods. Runs inside workerd as an internal module; `env.fetcher` is the service that answers the database's requests.
import makeD1 from "cloudflare-internal:d1-api";
import asyncHooks from "node-internal:async_hooks";

const MAX_LEASE_MS = 5000;

export default function makeBinding(env) {
  const database = makeD1(env);
  const current = new asyncHooks.AsyncLocalStorage();

  /**
   * Runs `callback(tx)` in one transaction of the database: committed when it resolves, rolled back when it throws or when
   * `leaseMs` (at most 5000) are over. While it runs, other writes of the database wait, so it should do nothing else:
   * a write by `env.DB` inside it would wait for itself.
   */
  async function transaction(callback, options) {
    if (typeof callback !== "function") throw failure("D1_TYPE_ERROR", "transaction() needs a function");
    const leaseMs = options?.leaseMs ?? MAX_LEASE_MS;
    if (typeof leaseMs !== "number" || !(leaseMs >= 1 && leaseMs <= MAX_LEASE_MS)) {
      throw failure("D1_TYPE_ERROR", `leaseMs must be a number from 1 to ${MAX_LEASE_MS}`);
    }
    if (current.getStore()?.isOpen) {
      throw failure("D1_ERROR", "transaction() inside a transaction would wait for itself: use the tx that you have");
    }
    const { transactionId } = await post(env, "begin", {}, { leaseMs });
    const own = openTransaction(env, transactionId);
    let value;
    try {
      value = await current.run(own, () => callback(own.tx));
    } catch (error) {
      await own.end();
      // It may be over already, and the caller's own error says more.
      await post(env, "rollback", own.headers).catch(() => {});
      throw error;
    }
    await own.end();
    await post(env, "commit", own.headers);
    return value;
  }

  Object.defineProperty(database, "transaction", { value: transaction });
  return database;
}

/** `tx` is D1's own client over a fetcher that adds the transaction to each request. */
function openTransaction(env, transactionId) {
  const headers = { "x-aero-transaction": transactionId };
  const running = new Set();
  const own = {
    headers,
    isOpen: true,
    /** Statements that nobody waited for still belong to the transaction. */
    async end() {
      own.isOpen = false;
      await Promise.allSettled(running);
    },
    tx: undefined,
  };
  const fetcher = {
    async fetch(url, init) {
      if (!own.isOpen) throw failure("D1_ERROR", "the transaction is over");
      const { pathname, search } = new URL(url);
      const answering = env.fetcher.fetch(`http://d1/tx${pathname}${search}`, {
        method: "POST",
        headers: { "content-type": "application/json", ...headers },
        body: init.body,
      });
      running.add(answering);
      try {
        return await answering;
      } finally {
        running.delete(answering);
      }
    },
  };
  const database = makeD1({ fetcher });
  own.tx = Object.freeze({
    prepare: (sql) => database.prepare(sql),
    exec: (sql) => database.exec(sql),
  });
  return own;
}

async function post(env, path, headers, body) {
  const response = await env.fetcher.fetch(`http://d1/tx/${path}`, {
    method: "POST",
    headers: { "content-type": "application/json", ...headers },
    body: body === undefined ? undefined : JSON.stringify(body),
  });
  const text = await response.text();
  let answer;
  try {
    answer = JSON.parse(text);
  } catch {
    throw failure("D1_ERROR", `Failed to parse body as JSON, got: ${text}`);
  }
  if (!answer.success) throw failure("D1_ERROR", answer.error);
  return answer;
}

/** Worded and linked as D1's own errors are. */
function failure(name, message) {
  return new Error(`${name}: ${message}`, { cause: new Error(message) });
}
