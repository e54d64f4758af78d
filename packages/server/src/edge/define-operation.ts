import type { IncomingMessage, ServerResponse } from "node:http";
import type { ErrorCode, Permission } from "@aerostack/contracts";
import type { z } from "zod";
import type { Logger } from "../kernel/log.ts";
import type { Principal } from "../keys/principal.ts";
import type { Route, RouteResponse } from "./define-route.ts";

/**
 * Who may call an operation of the data plane.
 * `secret` a project's secret key, or an account that names the project in `X-Project-Id` · `key` a project's public key
 * too · `project` anybody who names a project, by key or by `X-Project-Id`: what they may do is the operation's own rule.
 */
export type OperationAccess = "secret" | "key" | "project";

/** One call of the data plane, after it is known whose project it is for. */
export interface DataCall<Access extends OperationAccess = OperationAccess> {
  readonly projectId: string;
  /** Null for a caller without a key, where the operation allows that. */
  readonly principal: Access extends "project" ? Principal | null : Principal;
  readonly requestId: string;
  readonly clientAddress: string;
  readonly region: string | null;
  readonly log: Logger;
  /** Headers, and the body of operations that read it themselves. */
  readonly req: IncomingMessage;
  /** A header of the answer. */
  readonly setHeader: (name: string, value: string) => void;
}

type Parsed<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;

interface OperationFacts<
  Access extends OperationAccess,
  Params extends z.ZodObject | undefined,
  Query extends z.ZodObject | undefined,
> {
  readonly method: Route["method"];
  /** In the form `/v1/collections/:name/items`. */
  readonly path: `/v1/${string}` | `/internal/${string}`;
  readonly summary: string;
  readonly description?: string;
  readonly tag: string;
  readonly access: Access;
  /** What an account needs in the project that it names. */
  readonly permission: Permission;
  readonly params?: Params;
  readonly query?: Query;
  readonly errors?: readonly ErrorCode[];
  readonly hidden?: boolean;
  /** It takes an `Idempotency-Key`: the handler reads and keeps it (`kernel/idempotency-key.ts`). */
  readonly idempotent?: boolean;
  readonly bodyIsContent?: Route["bodyIsContent"];
}

export interface JsonOperationSpec<
  Access extends OperationAccess,
  Params extends z.ZodObject | undefined,
  Query extends z.ZodObject | undefined,
  Body extends z.ZodType | undefined,
  Result extends z.ZodType,
> extends OperationFacts<Access, Params, Query> {
  readonly body?: Body;
  readonly maxBodyBytes?: number;
  readonly response: { readonly status: 200 | 201; readonly description?: string; readonly schema: Result };
  handler(input: {
    readonly call: DataCall<Access>;
    readonly params: Parsed<Params>;
    readonly query: Parsed<Query>;
    readonly body: Parsed<Body>;
  }): z.input<Result> | Promise<z.input<Result>>;
}

/** An operation that reads or answers bytes: it streams both itself. */
export interface StreamOperationSpec<
  Access extends OperationAccess,
  Params extends z.ZodObject | undefined,
  Query extends z.ZodObject | undefined,
  Body extends z.ZodType | undefined,
> extends OperationFacts<Access, Params, Query> {
  /** A JSON body that is read before; without it the operation reads `call.req`. */
  readonly body?: Body;
  readonly rawBody?: Route["rawBody"];
  readonly response: RouteResponse<z.ZodType | undefined>;
  /** Settles when the answer is written. What it throws before the first byte becomes the answer. */
  stream(
    input: {
      readonly call: DataCall<Access>;
      readonly params: Parsed<Params>;
      readonly query: Parsed<Query>;
      readonly body: Parsed<Body>;
    },
    res: ServerResponse,
  ): Promise<void>;
}

interface OperationInput {
  readonly call: DataCall;
  readonly params: unknown;
  readonly query: unknown;
  readonly body: unknown;
}

/** An operation as the data plane serves and documents it, its types forgotten. */
export interface Operation extends OperationFacts<OperationAccess, z.ZodObject | undefined, z.ZodObject | undefined> {
  readonly body?: z.ZodType | undefined;
  readonly rawBody?: Route["rawBody"];
  readonly maxBodyBytes?: number;
  readonly response: RouteResponse<z.ZodType | undefined>;
  readonly handler?: (input: OperationInput) => unknown;
  readonly stream?: (input: OperationInput, res: ServerResponse) => Promise<void>;
}

/**
 * Declares an operation of the data plane that takes and answers JSON. It is served beside the web framework, because it
 * is asked as often as a function is.
 *
 * @example defineOperation({ method: "post", path: "/v1/cache/get", access: "secret", body, …, handler: ({ call, body }) => … })
 */
export function defineOperation<
  Access extends OperationAccess,
  Result extends z.ZodType,
  Params extends z.ZodObject | undefined = undefined,
  Query extends z.ZodObject | undefined = undefined,
  Body extends z.ZodType | undefined = undefined,
>(spec: JsonOperationSpec<Access, Params, Query, Body, Result>): Operation {
  return spec as unknown as Operation;
}

/** Declares an operation of the data plane that streams. */
export function defineStreamOperation<
  Access extends OperationAccess,
  Params extends z.ZodObject | undefined = undefined,
  Query extends z.ZodObject | undefined = undefined,
  Body extends z.ZodType | undefined = undefined,
>(spec: StreamOperationSpec<Access, Params, Query, Body>): Operation {
  return spec as unknown as Operation;
}

/** The operation as the reference lists it among the routes. */
export function routeOfOperation(operation: Operation): Route {
  const { access, handler: _handler, stream: _stream, ...facts } = operation;
  return { ...facts, auth: access === "project" ? "none" : "key", handler: () => undefined } as Route;
}
