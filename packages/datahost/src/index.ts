export { type DataHost, type DataHostLogger, type DataHostOptions, startDataHost } from "./client.ts";
export { createObjectClient, type ObjectClient, type ObjectScope } from "./objects/object-client.ts";
export { splitStatements } from "./sql/split-statements.ts";
