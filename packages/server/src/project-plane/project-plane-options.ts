import type { Clock } from "@aerostack/kernel";
import type { createControlPlane } from "../control-plane.ts";
import type { DomainCertificates } from "../domains/certificates.ts";
import type { FrontDoor } from "../front-door/create-front-door.ts";
import type { Bus } from "../kernel/bus/bus.ts";
import type { Config } from "../kernel/config.ts";
import type { Envelope } from "../kernel/crypto/envelope.ts";
import type { EventLog } from "../kernel/event-log/event-log.ts";
import type { Lifecycle } from "../kernel/lifecycle.ts";
import type { ShareCounts } from "../kernel/limiter/rate-window.ts";
import type { Logger } from "../kernel/log.ts";
import type { Databases } from "../kernel/open-databases.ts";
import type { Slots } from "../kernel/slots/slots.ts";
import type { ImageResizer } from "../storage/images/image-resizer.ts";

export interface ProjectPlaneOptions {
  readonly config: Config;
  readonly clock: Clock;
  readonly databases: Databases;
  readonly bus: Bus;
  readonly events: EventLog;
  readonly slots: Slots;
  readonly shareCounts: ShareCounts | undefined;
  readonly envelope: Envelope;
  /** 32 bytes that all servers share: projects' files and keys of our own are derived from it. */
  readonly installationKey: Uint8Array;
  readonly log: Logger;
  readonly lifecycle: Lifecycle;
  /** Origin that functions call the platform at. */
  readonly origin: string;
  /** Null: whoever is in front of this server ends TLS. */
  readonly certificates: DomainCertificates | null;
  readonly frontDoor: FrontDoor;
  readonly resizer: ImageResizer;
  readonly controlPlane: ReturnType<typeof createControlPlane>;
}
