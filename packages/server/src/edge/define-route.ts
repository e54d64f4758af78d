import type { ErrorCode, Permission } from "@aerostack/contracts";
import type { z } from "zod";
import type { Logger } from "../kernel/log.ts";
import type { AccountPrincipal, KeyPrincipal, Principal } from "../keys/principal.ts";
import type { ProjectRecord } from "../projects/service.ts";
import type { OrganisationRecord } from "../teams/organisation.ts";

/**
 * Who may call a route.
 * `none` anybody · `account` an account's key or session · `admin` such an account with the admin right ·
 * `management` an account, or a project's secret key for that project · `key` any key.
 */
export type RouteAuth = "none" | "account" | "admin" | "management" | "key";

interface PrincipalOf {
  none: Principal | null;
  account: AccountPrincipal;
  admin: AccountPrincipal;
  management: Principal;
  key: KeyPrincipal;
}

type Parsed<Schema> = Schema extends z.ZodType ? z.output<Schema> : undefined;

/** Routes below `/api/v1/projects/:project` and `/api/v1/organisations/:organisation` are about one of these. */
type Names<Auth, Params, Name extends string> = Auth extends "none"
  ? false
  : Parsed<Params> extends Readonly<Record<Name, string>>
    ? true
    : false;

/** What the caller needs in the project or organisation that the address names. Such a route cannot do without. */
type PermissionOf<Auth, Params> = true extends Names<Auth, Params, "project"> | Names<Auth, Params, "organisation">
  ? { readonly permission: Permission }
  : { readonly permission?: Permission };

export interface HandlerInput<Auth extends RouteAuth, Params, Query, Body> {
  readonly principal: PrincipalOf[Auth];
  readonly params: Parsed<Params>;
  readonly query: Parsed<Query>;
  readonly body: Parsed<Body>;
  /** The project of the address, which the caller may do with what the route's permission says. */
  readonly project: Names<Auth, Params, "project"> extends true ? ProjectRecord : undefined;
  /** The same for an organisation. */
  readonly organisation: Names<Auth, Params, "organisation"> extends true ? OrganisationRecord : undefined;
  readonly requestId: string;
  readonly clientAddress: string;
  readonly log: Logger;
  /** The request itself: for raw bodies, headers and the abort signal. */
  readonly request: Request;
}

/** A JSON answer by its body, or a finished `Response` (a stream, a file, another protocol's error). */
export type HandlerResult<Result> = Response | (Result extends z.ZodType ? z.input<Result> : never);

export interface RouteResponse<Result> {
  readonly status: 200 | 201 | 202 | 101;
  readonly description?: string;
  /** The JSON body. Without it the answer is of `contentType` and the handler returns a `Response`. */
  readonly schema?: Result;
  readonly contentType?: string;
}

export interface RouteSpec<
  Auth extends RouteAuth,
  Params extends z.ZodObject | undefined,
  Query extends z.ZodObject | undefined,
  Body extends z.ZodType | undefined,
  Result extends z.ZodType | undefined,
> {
  readonly method: "get" | "post" | "put" | "patch" | "delete";
  /** In the form `/api/v1/projects/:project`. */
  readonly path: string;
  /** One line, as a command: "Create a project". */
  readonly summary: string;
  readonly description?: string;
  /** The heading under which the reference lists it. */
  readonly tag: string;
  readonly auth: Auth;
  /**
   * What the caller needs in the project or organisation that the route is about. Where the address names it, it is
   * looked up and asked for before the handler runs; elsewhere the handler asks, and this documents it.
   */
  readonly permission?: Permission;
  readonly params?: Params;
  readonly query?: Query;
  /** Parameters of the query that may stand several times; the handler reads them from `request`. */
  readonly repeatable?: readonly string[];
  /** The JSON body. Routes that read another kind of body leave it out, say so in `rawBody` and read `request`. */
  readonly body?: Body;
  readonly rawBody?: { readonly contentType: string; readonly description: string };
  /** True: the same fields may come as a form, as OAuth's clients send them. For routes that no cookie speaks for. */
  readonly acceptsForm?: boolean;
  readonly maxBodyBytes?: number;
  /** True: the body is SQL, templates, values or prose in earnest; the firewall does not look at it. */
  readonly bodyIsContent?: true;
  readonly response: RouteResponse<Result>;
  /** Codes beyond those that any route may answer with. */
  readonly errors?: readonly ErrorCode[];
  /** True: an `Idempotency-Key` header makes a repeat answer what the first call answered, for 24 hours. */
  readonly idempotent?: boolean;
  /**
   * What a person at a session does only within ten minutes of proving who is there; as a function, for some bodies.
   * Keys pass.
   */
  readonly freshProof?: true | ((body: Parsed<Body>) => boolean);
  /** True: it changes nothing, whatever its method; the audit log takes no note of it. */
  readonly readOnly?: boolean;
  /** True: the route is served but not part of the published reference. */
  readonly hidden?: boolean;
  handler(input: HandlerInput<Auth, Params, Query, Body>): HandlerResult<Result> | Promise<HandlerResult<Result>>;
}

/** A route as the application registers and documents it, its types forgotten. */
export type Route = Omit<
  RouteSpec<RouteAuth, z.ZodObject | undefined, z.ZodObject | undefined, z.ZodType | undefined, z.ZodType | undefined>,
  "handler" | "freshProof"
> & { readonly freshProof?: true | ((body: unknown) => boolean); handler(input: unknown): unknown };

/**
 * Declares a route once: it is validated, documented and registered from here.
 *
 * @example defineRoute({ method: "get", path: "/api/v1/account", auth: "account", …, handler: ({ principal }) => … })
 */
export function defineRoute<
  Auth extends RouteAuth,
  Params extends z.ZodObject | undefined = undefined,
  Query extends z.ZodObject | undefined = undefined,
  Body extends z.ZodType | undefined = undefined,
  Result extends z.ZodType | undefined = undefined,
>(spec: RouteSpec<Auth, Params, Query, Body, Result> & PermissionOf<Auth, Params>): Route {
  return { ...spec, handler: (input) => spec.handler(input as HandlerInput<Auth, Params, Query, Body>) } as Route;
}
