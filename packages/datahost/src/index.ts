export { type DataHost, type DataHostLogger, type DataHostOptions, startDataHost } from "./client.ts";
export { d1BindingModulePath } from "./d1/d1-binding-module-path.ts";
export { createObjectClient, type ObjectClient, type ObjectScope } from "./objects/object-client.ts";
export { splitStatements } from "./sql/split-statements.ts";
