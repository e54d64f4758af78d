import type { ModuleType } from "@aerostack/contracts";

/** The part of workerd's configuration schema (`workerd.capnp` of the workerd package) that is used here. */
export interface WorkerdConfig {
  readonly services: readonly WorkerdService[];
  readonly sockets: readonly WorkerdSocket[];
  readonly v8Flags: readonly string[];
  readonly extensions: readonly WorkerdExtensionModule[];
}

/** A listening socket; `path` is relative to the process's working directory. */
export interface WorkerdSocket {
  readonly name: string;
  readonly path: string;
  readonly service: string;
}

export type WorkerdService = { readonly name: string } & (
  | { readonly worker: WorkerdWorker }
  | { readonly external: WorkerdExternal }
  | { readonly disk: { readonly path: string } }
);

/** An HTTP server on a unix socket. */
export interface WorkerdExternal {
  readonly path: string;
  /** True: the request line carries the whole URL, as to a proxy, so that scheme and host survive. */
  readonly proxyStyle?: boolean;
  /** Set on every request; what the function sets under these names is replaced. */
  readonly headers: Readonly<Record<string, string>>;
}

export interface WorkerdModule {
  readonly name: string;
  readonly type: ModuleType;
  readonly content: Uint8Array;
}

export interface WorkerdExtensionModule {
  readonly name: string;
  /** True: only other modules of this kind and wrapped bindings can import it. */
  readonly internal: boolean;
  readonly source: string;
}

export interface ServiceDesignator {
  readonly service: string;
  readonly entrypoint?: string;
  /** JSON that the target reads as `ctx.props`. */
  readonly props?: string;
}

export type WorkerdBinding = { readonly name: string } & (
  | { readonly type: "text" | "json"; readonly value: string }
  | { readonly type: "service"; readonly target: ServiceDesignator }
  | { readonly type: "kvNamespace" | "r2Bucket" | "queue"; readonly service: string }
  | { readonly type: "wrapped"; readonly module: string; readonly inner: readonly WorkerdBinding[] }
  | { readonly type: "durableObjectNamespace"; readonly className: string; readonly service: string }
);

export interface WorkerdWorker {
  readonly modules: readonly WorkerdModule[];
  readonly compatibilityDate: string;
  readonly compatibilityFlags: readonly string[];
  readonly bindings: readonly WorkerdBinding[];
  readonly globalOutbound: string;
  readonly cacheApiOutbound?: string;
  readonly durableObjects: readonly { readonly className: string; readonly uniqueKey: string }[];
  /** Name of the disk service that keeps Durable Objects; null keeps them in memory. */
  readonly durableObjectDisk: string | null;
  readonly tails: readonly ServiceDesignator[];
}
