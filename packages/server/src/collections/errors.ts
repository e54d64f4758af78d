import { AerostackError } from "@aerostack/contracts";

export function collectionNotFound(name: string): AerostackError {
  return new AerostackError("NOT_FOUND", {
    message: `There is no collection '${name}'.`,
    fix: "Check its name, or push its definition (`aerostack collections push`).",
  });
}

/** The same for an item that is not there and for one that the caller may not see. */
export function itemNotFound(): AerostackError {
  return new AerostackError("NOT_FOUND", {
    message: "There is no such item.",
    fix: "Check its id, and that the rules of its collection let you read it.",
  });
}
