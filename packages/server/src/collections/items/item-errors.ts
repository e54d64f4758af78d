import { AerostackError, type CollectionOperation } from "@aerostack/contracts";
import type { Collection } from "../definition.ts";
import type { FieldErrors } from "../schema/compile-validator.ts";

const VERBS: Readonly<Record<CollectionOperation, string>> = {
  list: "listing its items",
  get: "reading its items",
  create: "creating items",
  update: "changing this item",
  delete: "deleting this item",
};

export function forbidden(operation: CollectionOperation): AerostackError {
  return new AerostackError("FORBIDDEN", {
    message: `The rules of the collection do not allow ${VERBS[operation]}.`,
    fix: `Set the collection's rule for '${operation}', or use a secret key on your own server.`,
  });
}

export function signInNeeded(operation: CollectionOperation): AerostackError {
  return new AerostackError("AUTH_TOKEN_INVALID", {
    message: `The rules of the collection ask for a signed-in user for ${VERBS[operation]}.`,
    fix: "Send the user's access token as 'Authorization: Bearer …', beside the project's key or X-Project-Id.",
  });
}

export function invalidItem(fieldErrors: FieldErrors): AerostackError {
  const [first] = Object.entries(fieldErrors);
  return new AerostackError("VALIDATION_ERROR", {
    message: first === undefined ? "The item is not valid." : `The item is not valid: ${first[0]} ${first[1][0]}`,
    details: { fieldErrors },
  });
}

export function itemIsBusy(): AerostackError {
  return new AerostackError("CONFLICT", {
    message: "The item was changed by others again and again while this change waited.",
    fix: "Read it and try again.",
  });
}

/** A statement that the database refused, in terms of the collection. */
export function explainFailure(error: unknown, { name }: Pick<Collection, "name">): unknown {
  if (!(error instanceof AerostackError) || error.code !== "DB_QUERY_FAILED") return error;
  const [, columns] = /^UNIQUE constraint failed: (.+)$/.exec(error.message) ?? [];
  if (columns !== undefined) {
    const fields = columns.split(", ").map((column) => column.slice(column.lastIndexOf(".") + 1));
    return new AerostackError("CONFLICT", {
      message: `There is an item with the same ${fields.join(" and ")} already.`,
      fix: "Choose another value.",
      details: { fieldErrors: Object.fromEntries(fields.map((field) => [field, ["is taken"]])) },
      cause: error,
    });
  }
  if (!/no such (?:table|column)|has no column/.test(error.message)) return error;
  return new AerostackError("CONFLICT", {
    message: `The table of the collection '${name}' is not as its definition says: ${error.message}`,
    fix: "Push the collection's definition again, which repairs the table.",
    cause: error,
  });
}
