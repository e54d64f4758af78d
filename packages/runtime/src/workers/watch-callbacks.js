// Watches callbacks that the runtime itself calls: sources of streams, transformers, handlers of HTMLRewriter, listeners of
// signals that time out. The runtime meets what they fail with after the function has answered, and says neither where it
// came from nor which request it was; here both are still known. Nothing but ASCII here, as in all of the runtime's modules.

const { apply, construct, getPrototypeOf, getOwnPropertyDescriptor, defineProperty } = Reflect;
const NativePromise = Promise;
const then = Promise.prototype.then;
const SOURCE = { calls: ["start", "pull", "cancel"], rest: ["type", "autoAllocateChunkSize", "expectedLength"] };
const TRANSFORMER = {
  calls: ["start", "transform", "flush", "cancel"],
  rest: ["readableType", "writableType", "expectedLength"],
};
const ELEMENT_HANDLERS = { calls: ["element", "comments", "text"], rest: [] };
const DOCUMENT_HANDLERS = { calls: ["doctype", "comments", "text", "end"], rest: [] };

/**
 * @param current what the code at hand works for
 * @param suspect told of what fails a request unless somebody catches it, and which request
 * @param report told of what nobody can catch, and which request
 */
export function watchCallbacks({ current, suspect, report }) {
  /** By controller of a stream, the request that made the stream. */
  const owners = new WeakMap();
  const isObject = (value) => (typeof value === "object" && value !== null) || typeof value === "function";

  /** A callback whose exceptions are told; it is called on `self`, whatever stands in for that. */
  function guard(callback, self, request, tell) {
    const failed = (error) => tell(error, current() ?? request);
    return (...given) => {
      if (isObject(given[0])) owners.set(given[0], request);
      let result;
      try {
        result = apply(callback, self, given);
      } catch (error) {
        failed(error);
        throw error;
      }
      if (result instanceof NativePromise) apply(then, result, [undefined, failed]);
      return result;
    };
  }

  /** What stands in for an object of callbacks; each member is read once, as the runtime does. */
  function watched(object, { calls, rest }) {
    if (!isObject(object)) return object;
    const request = current();
    const copy = {};
    for (const key of [...rest, ...calls]) {
      const value = object[key];
      if (value === undefined) continue;
      copy[key] = typeof value === "function" && calls.includes(key) ? guard(value, object, request, suspect) : value;
    }
    return copy;
  }

  /** Puts something in a method's place, as far as the runtime lets it. */
  function replace(owner, key, make) {
    const native = owner?.[key];
    if (typeof native !== "function") return;
    const wrapper = make(native);
    try {
      owner[key] = new Proxy(native, { apply: (_target, self, values) => wrapper(self, values) });
    } catch {
      // What cannot be replaced is not watched.
    }
  }

  function watchStreams() {
    for (const [name, parts] of [
      ["ReadableStream", SOURCE],
      ["TransformStream", TRANSFORMER],
    ]) {
      const native = globalThis[name];
      const stand = new Proxy(native, {
        construct: (_target, values, newTarget) =>
          construct(
            native,
            values.length === 0 ? values : [watched(values[0], parts), ...values.slice(1)],
            newTarget === stand ? native : newTarget,
          ),
      });
      globalThis[name] = stand;
      try {
        native.prototype.constructor = stand;
      } catch {
        // Only those who compare constructors would notice.
      }
    }
    for (const name of ["ReadableStreamDefault", "ReadableByteStream", "TransformStreamDefault"]) {
      replace(globalThis[`${name}Controller`]?.prototype, "error", (native) => (self, values) => {
        suspect(values[0], current() ?? owners.get(self));
        return apply(native, self, values);
      });
    }
    for (const name of ["WritableStream", "WritableStreamDefaultWriter"]) {
      replace(globalThis[name]?.prototype, "abort", (native) => (self, values) => {
        if (values.length > 0) suspect(values[0], current());
        return apply(native, self, values);
      });
    }
    replace(
      ReadableStream,
      "from",
      (native) =>
        (self, [items, ...rest]) =>
          apply(native, self, [iterable(items), ...rest]),
    );
  }

  function iterable(items) {
    if (!isObject(items)) return items;
    const request = current();
    const key = typeof items[Symbol.asyncIterator] === "function" ? Symbol.asyncIterator : Symbol.iterator;
    if (typeof items[key] !== "function") return items;
    return {
      [key]() {
        const iterator = apply(items[key], items, []);
        const { next } = iterator;
        const stand = { next: guard(next, iterator, request, suspect) };
        if (typeof iterator.return === "function") stand.return = (value) => iterator.return(value);
        return stand;
      },
    };
  }

  function watchRewriter() {
    const { prototype } = HTMLRewriter;
    let endTags = null;
    replace(prototype, "on", (native) => (self, [selector, handlers, ...rest]) => {
      const stand = watched(handlers, ELEMENT_HANDLERS);
      const { element } = isObject(stand) ? stand : {};
      if (typeof element === "function") {
        stand.element = (given) => {
          if (endTags === null && isObject(given)) {
            endTags = getPrototypeOf(given);
            replace(endTags, "onEndTag", (add) => (tag, [handler, ...others]) => {
              const own = typeof handler === "function" ? guard(handler, undefined, current(), suspect) : handler;
              return apply(add, tag, [own, ...others]);
            });
          }
          return element(given);
        };
      }
      return apply(native, self, [selector, stand, ...rest]);
    });
    replace(
      prototype,
      "onDocument",
      (native) =>
        (self, [handlers, ...rest]) =>
          apply(native, self, [watched(handlers, DOCUMENT_HANDLERS), ...rest]),
    );
  }

  function watchTimeouts() {
    /** Signals that the runtime itself may abort: what their listeners throw nobody catches. */
    const signals = new WeakSet();
    const guards = new WeakMap();

    function guarded(listener) {
      if (!isObject(listener)) return listener;
      let stand = guards.get(listener);
      if (stand === undefined) {
        const request = current();
        stand = function (event) {
          const call = typeof listener === "function" ? listener : listener.handleEvent;
          try {
            return apply(call, typeof listener === "function" ? this : listener, [event]);
          } catch (error) {
            if (event?.target?.reason?.name === "TimeoutError") report(error, current() ?? request);
            throw error;
          }
        };
        guards.set(listener, stand);
      }
      return stand;
    }

    replace(AbortSignal, "timeout", (native) => (self, values) => {
      const signal = apply(native, self, values);
      signals.add(signal);
      return signal;
    });
    replace(AbortSignal, "any", (native) => (self, [all, ...rest]) => {
      const list = isObject(all) && typeof all[Symbol.iterator] === "function" ? [...all] : all;
      const signal = apply(native, self, [list, ...rest]);
      if (Array.isArray(list) && list.some((one) => signals.has(one))) signals.add(signal);
      return signal;
    });
    for (const method of ["addEventListener", "removeEventListener"]) {
      replace(EventTarget.prototype, method, (native) => (self, values) => {
        if (!signals.has(self)) return apply(native, self, values);
        return apply(native, self, [values[0], guarded(values[1]), ...values.slice(2)]);
      });
    }
    const own = getOwnPropertyDescriptor(AbortSignal.prototype, "onabort");
    if (own?.set === undefined) return;
    const originals = new WeakMap();
    defineProperty(AbortSignal.prototype, "onabort", {
      ...own,
      get() {
        return originals.get(this) ?? apply(own.get, this, []);
      },
      set(listener) {
        originals.delete(this);
        if (!signals.has(this) || typeof listener !== "function") return void apply(own.set, this, [listener]);
        apply(own.set, this, [guarded(listener)]);
        originals.set(this, listener);
      },
    });
  }

  watchStreams();
  watchRewriter();
  watchTimeouts();
}
