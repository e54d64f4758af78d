// Sits between the runtime and a function's own code, in the function's isolate: what the code logs and what it fails
// with is written to the process's standard output, a line each, which costs a call nothing as long as it says nothing.
// (A tail worker costs every call a second one.) It shares its isolate with user code, so the reader trusts nothing of it.

import { describeException, formatLine } from "aerostack-internal:format-line";
import { failureLine } from "aerostack-internal:tell-failures";
import { watchCallbacks } from "aerostack-internal:watch-callbacks";
import asyncHooks from "node-internal:async_hooks";

/** Begins each line; JSON never holds it unescaped. */
const MARK = "\u001e";
/** So many lines of one turn are written at once, each by itself: code that never ends must not keep them. */
const LINES_AT_ONCE = 16;
/** Those after them are written so many at a time, and what is left when the turn ends. */
const LINES_PER_WRITE = 64;
const CHARACTERS_PER_WRITE = 16_384;
/** Lines that were left out are told of at the latest when there are so many, or after so long. */
const DROPPED_PER_REPORT = 1_000;
const REPORT_INTERVAL_MS = 1_000;
const LEVELS = { debug: "debug", log: "info", info: "info", warn: "warn", error: "error" };

// Kept before user code can replace them.
const { stringify } = JSON;
const { now } = Date;
const { apply, get, getPrototypeOf, getOwnPropertyDescriptor, has, ownKeys } = Reflect;
const NativeResponse = Response;
const NativePromise = Promise;
const then = Promise.prototype.then;
const print = console.log.bind(console);
const atEndOfTurn = queueMicrotask;
/** Holds the request that the code at hand works for, or what stands in for one. */
const requests = new asyncHooks.AsyncLocalStorage();
const NO_HEADERS = { get: () => null };
/** What the runtime says of code that it stopped because nothing could make it go on; it does not print it of waitUntil(). */
const HUNG =
  "The Workers runtime canceled this request because it detected that your Worker's code had hung and would never generate a response. Refer to: https://developers.cloudflare.com/workers/observability/errors/";
/** By exception, the request that it was last reported for. */
const reported = new WeakMap();
/** By exception, the request that it may fail. */
const suspected = new WeakMap();

/** Tells of promises given to waitUntil() that can never end: nobody holds them any more, and they have not. */
let abandoned = null;
let functionKey = null;
let contextPrototype = null;
let linesOfTurn = 0;
let gathered = "";
let gatheredLines = 0;
let linesPerMs = 0;
let burstLines = 0;
let tokens = 0;
let refilledAt = 0;
let droppedLines = 0;
let droppedReportAt = 0;

/**
 * Begins to observe; to be called before user code is loaded.
 *
 * @param limits what a project may log; the reader holds to it, and here it spares both sides the rest of a flood
 * @param hidesWeakReferences whether the code's compatibility date is from before it had them
 */
export function start(key, { linesPerSecond, burst }, hidesWeakReferences) {
  if (functionKey !== null) return;
  functionKey = key;
  if (typeof FinalizationRegistry === "function") {
    abandoned = new FinalizationRegistry((request) => tell(new Error(HUNG), { request, withoutStack: true }));
  }
  if (hidesWeakReferences) {
    delete globalThis.FinalizationRegistry;
    delete globalThis.WeakRef;
  }
  linesPerMs = linesPerSecond / 1000;
  burstLines = tokens = burst;
  for (const [method, level] of Object.entries(LEVELS)) {
    console[method] = {
      [method](...values) {
        try {
          if (!mayWrite()) return;
          const line = formatLine(typeof values[0] === "string" ? values[0] : null, values.map(toText));
          emit("console", level, { message: line });
        } catch {
          // What cannot be printed must not fail the code that prints it.
        }
      },
    }[method];
  }
  for (const name of ["setTimeout", "setInterval", "setImmediate"]) {
    if (typeof globalThis[name] === "function") globalThis[name] = guardCallback(globalThis[name]);
  }
  watchCallbacks({
    current: () => requests.getStore(),
    suspect: (error, request) => tell(error, { request, isSuspect: true }),
    report: (error, request) => tell(error, { request }),
  });
}

/** The default export of a function's main module, observed. A class stays as it is. */
export function observe(worker) {
  if (typeof worker !== "object" || worker === null) return worker;
  const wrappers = new WeakMap();
  const read = (key) => {
    const value = get(worker, key, worker);
    if (typeof value !== "function") return value;
    let wrapper = wrappers.get(value);
    if (wrapper === undefined) {
      wrapper = key === "fetch" ? observeFetch(worker, value) : observeHandler(worker, value, key === "queue");
      wrappers.set(value, wrapper);
    }
    return wrapper;
  };
  // An empty target, so that a frozen object can be stood in for too.
  return new Proxy(
    {},
    {
      get: (_target, key) => read(key),
      has: (_target, key) => has(worker, key),
      ownKeys: () => ownKeys(worker),
      getPrototypeOf: () => getPrototypeOf(worker),
      getOwnPropertyDescriptor(_target, key) {
        const own = getOwnPropertyDescriptor(worker, key);
        return own && { value: read(key), writable: true, enumerable: own.enumerable, configurable: true };
      },
    },
  );
}

function observeFetch(worker, handler) {
  async function answer(request, env, ctx) {
    let response;
    try {
      response = await apply(handler, worker, [request, env, ctx]);
    } catch (error) {
      report(error);
      throw error;
    }
    reportUnusable(response);
    return response;
  }
  return function fetch(request, env, ctx) {
    observeContext(ctx);
    return requests.run(request, answer, request, env, ctx);
  };
}

function observeHandler(worker, handler, isQueue) {
  async function handle(values) {
    try {
      return await apply(handler, worker, values);
    } catch (error) {
      report(error);
      tellDelivery(error);
      throw error;
    }
  }
  return (...values) => {
    observeContext(values[2]);
    return requests.run({ headers: NO_HEADERS, batch: isQueue ? values[0] : null }, handle, values);
  };
}

/** Says what the delivery at hand failed with to whoever delivers it: once, and whatever else was logged. */
function tellDelivery(error) {
  const delivery = requests.getStore();
  const batch = delivery?.batch ?? null;
  if (batch === null) return;
  delivery.batch = null;
  try {
    print(failureLine(batch, error));
  } catch {
    // What cannot be read cannot be told.
  }
}

/** The runtime refuses such an answer after this code has ended, in these words. */
function reportUnusable(response) {
  if (!(response instanceof NativeResponse)) {
    report(new TypeError("Incorrect type for Promise: the Promise did not resolve to 'Response'."), true);
  } else if (response.bodyUsed) {
    report(
      new TypeError(
        "Body has already been used. It can only be used once. Use tee() first if you need to read it twice.",
      ),
      true,
    );
  }
}

/** Sees to it that promises given to waitUntil() are watched. All contexts share one prototype. */
function observeContext(ctx) {
  if (contextPrototype !== null || typeof ctx !== "object" || ctx === null) return;
  contextPrototype = getPrototypeOf(ctx);
  contextPrototype.waitUntil = new Proxy(contextPrototype.waitUntil, {
    apply(native, self, values) {
      if (values[0] instanceof NativePromise) {
        const token = watchEnd(values[0]);
        const ended = () => abandoned?.unregister(token);
        const failed = (error) => {
          ended();
          report(error);
          tellDelivery(error);
        };
        apply(then, values[0], [ended, failed]);
      }
      return apply(native, self, values);
    },
  });
}

/** Has it told when a promise can never end: the garbage collector finds that out, which may be a while later. */
function watchEnd(promise) {
  const token = {};
  // By value: a request's headers may be gone with it, and nothing that is kept here may keep the promise.
  const requestId = idOf(requests.getStore());
  abandoned?.register(promise, { headers: { get: () => requestId } }, token);
  return token;
}

/** A timer whose callback's exceptions are reported. A proxy, so that name, length and what Node adds to it stay. */
function guardCallback(timer) {
  return new Proxy(timer, {
    apply(native, self, values) {
      const [callback] = values;
      if (typeof callback !== "function") return apply(native, self, values);
      function guarded(...given) {
        try {
          return apply(callback, this, given);
        } catch (error) {
          report(error);
          throw error;
        }
      }
      return apply(native, self, [guarded, ...values.slice(1)]);
    },
  });
}

/** Reports an exception as the runtime would: once for each request. */
function report(error, withoutStack = false) {
  tell(error, { request: requests.getStore(), withoutStack });
}

/**
 * Writes what an exception was and where. One that is a suspect may be caught yet: the reader tells of it only if the
 * runtime fails a request with it.
 */
function tell(error, { request = NO_HEADERS, isSuspect = false, withoutStack = false }) {
  try {
    if (typeof error === "object" && error !== null) {
      if (reported.get(error) === request || (isSuspect && suspected.get(error) === request)) return;
      (isSuspect ? suspected : reported).set(error, request);
    }
    if (!mayWrite()) return;
    const isError = error instanceof Error;
    const name = isError ? String(error.name) : "Error";
    const message = isError ? String(error.message) : thrownText(error);
    const stack = isError && !withoutStack ? framesOf(error) : null;
    emit(isSuspect ? "suspect" : "exception", "error", describeException(name, message, stack), request);
  } catch {
    // A value that cannot be read cannot be reported.
  }
}

function thrownText(value) {
  if (typeof value !== "object" || value === null) return String(value);
  return `#<${value.constructor?.name || "Object"}>`;
}

/** The frames of a stack, without what leads from the runtime to the code. */
function framesOf(error) {
  const stack = typeof error.stack === "string" ? error.stack : "";
  const frames = stack.split("\n").filter((line) => /^\s+at /.test(line));
  return frames.filter((line) => !/(?:\(|at )(?:aerostack(?:-internal)?|node-internal):/.test(line)).join("\n");
}

/** A value as text: plain data and dates as JSON, errors with their stack, everything else by its toString(). */
function toText(value) {
  if (typeof value === "string") return value;
  try {
    if (value === undefined || value === null) return "null";
    if (typeof value === "number" || typeof value === "boolean") return stringify(value);
    if (value instanceof Error) {
      const frames = framesOf(value);
      return frames === "" ? String(value) : `${value}\n${frames}`;
    }
    if (value instanceof Date) return value.toISOString();
    if (typeof value === "object" && (Array.isArray(value) || isPlain(value))) return stringify(value) ?? "{}";
    return typeof value === "symbol" ? "{}" : String(value);
  } catch {
    return "{}";
  }
}

function isPlain(value) {
  const prototype = getPrototypeOf(value);
  return prototype === null || prototype === Object.prototype;
}

/** False for what is over the limit: it is counted. */
function mayWrite() {
  if (linesOfTurn++ === 0) atEndOfTurn(endTurn);
  // Outside of requests the runtime's clock may stand at zero.
  const time = Math.max(now(), refilledAt);
  tokens = Math.min(burstLines, tokens + (time - refilledAt) * linesPerMs);
  refilledAt = time;
  if (tokens < 1) {
    droppedLines++;
    return false;
  }
  tokens--;
  return true;
}

function emit(kind, level, entry, request = requests.getStore()) {
  write(stringify({ kind, functionKey, requestId: idOf(request), level, time: now(), ...entry }));
}

function idOf(request) {
  try {
    return request?.headers.get("x-request-id") ?? null;
  } catch {
    // The headers may be gone with their request.
    return null;
  }
}

function write(json) {
  const line = MARK + json;
  if (linesOfTurn <= LINES_AT_ONCE) {
    print(line);
    return;
  }
  gathered = gathered === "" ? line : `${gathered}\n${line}`;
  if (++gatheredLines >= LINES_PER_WRITE || gathered.length >= CHARACTERS_PER_WRITE) writeGathered();
}

function endTurn() {
  if (droppedLines >= DROPPED_PER_REPORT || (droppedLines > 0 && now() - droppedReportAt >= REPORT_INTERVAL_MS)) {
    write(`{"dropped":${droppedLines}}`);
    droppedLines = 0;
    droppedReportAt = now();
  }
  linesOfTurn = 0;
  if (gathered !== "") writeGathered();
}

function writeGathered() {
  const lines = gathered;
  gathered = "";
  gatheredLines = 0;
  print(lines);
}
