import type { Context } from "hono";
import type { Logger } from "../kernel/log.ts";
import type { Principal } from "../keys/principal.ts";

/** What every request carries through the management application. */
export interface AppEnv {
  Variables: {
    requestId: string;
    clientAddress: string;
    log: Logger;
    /** Null: no credential was sent, or none that is valid. */
    principal: Principal | null;
    /** True: a credential was sent. With a null principal it is not valid. */
    credentialSent: boolean;
    /** Who the credential stands for now; for streams, which outlast what was found when they began. */
    resolveAgain?: () => Principal | null | Promise<Principal | null>;
  };
  Bindings: {
    /** Filled by the Node adapter; absent in tests that call the application directly. */
    incoming?: { socket?: { remoteAddress?: string | undefined; encrypted?: boolean } };
  };
}

export type AppContext = Context<AppEnv>;
