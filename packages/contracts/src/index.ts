export { AerostackError, type AerostackErrorOptions, type SerialisedError } from "./aerostack-error.ts";
export { ERRORS, type ErrorCode, type ErrorDefinition } from "./error-codes.ts";
