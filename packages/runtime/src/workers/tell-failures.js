// Part of a function that has a tail worker, loaded before its own code: says of which delivery an exception of `queue()`
// is, which the events that a tail worker gets do not. It shares its isolate with user code, so nobody trusts what it says.
// Nothing but ASCII here, as in all of the runtime's modules.

/** Begins the line; the trusted worker takes such lines out of the function's log. */
const MARK = "\u001e";
const MAX_CHARACTERS = 2048;

// Kept before user code can replace them.
const { apply, getOwnPropertyDescriptor, getPrototypeOf, defineProperty } = Reflect;
const { stringify } = JSON;
const print = console.log.bind(console);

/**
 * One line of JSON that says what a delivery failed with.
 *
 * @param batch what was delivered: known by its first message, which is in no other delivery at the time
 */
export function failureLine(batch, error) {
  const { id } = batch.messages[0];
  const text = error instanceof Error ? `${error.name}: ${error.message}` : String(error);
  return MARK + stringify({ delivery: String(id), error: text.slice(0, MAX_CHARACTERS) });
}

/** The default export of a function's main module, as it was but for its `queue()`, which tells of what it fails with. */
export function tellFailures(worker) {
  try {
    const owner = typeof worker === "function" ? worker.prototype : worker;
    const found = descriptorOf(owner, "queue");
    if (typeof found?.value !== "function") return worker;
    const handler = found.value;
    const queue = async function queue(...values) {
      try {
        return await apply(handler, this, values);
      } catch (error) {
        try {
          print(failureLine(values[0], error));
        } catch {
          // What cannot be read cannot be told.
        }
        throw error;
      }
    };
    defineProperty(owner, "queue", { ...found, value: queue });
  } catch {
    // Of what cannot be changed nothing is told.
  }
  return worker;
}

function descriptorOf(object, key) {
  for (let owner = object; owner !== null && owner !== undefined; owner = getPrototypeOf(owner)) {
    const found = getOwnPropertyDescriptor(owner, key);
    if (found !== undefined) return found;
  }
  return undefined;
}
