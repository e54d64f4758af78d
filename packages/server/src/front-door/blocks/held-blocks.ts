import type { BlockList } from "node:net";
import type { BlockKind } from "@aerostack/contracts";
import type { KeyedSnapshot } from "../../kernel/change-feed/keyed-snapshot.ts";
import { isInNetworks, listOfNetworks } from "./network-subject.ts";

/** What every server knows of a block that is in force. */
export interface BlockFact {
  readonly id: string;
  readonly kind: BlockKind;
  readonly subject: string;
  readonly endsAtMs: number | null;
  /** Null: strangers do not learn it. */
  readonly publicReason: string | null;
}

/** All blocks in memory, ready to be asked on every request. */
export interface HeldBlocks {
  /** An address's block. */
  ofAddress(ip: string): BlockFact | null;
  of(kind: Exclude<BlockKind, "network">, subject: string): BlockFact | null;
  /** Whether a request has to be asked what it is for. */
  readonly someOfPlaces: boolean;
  readonly someOfOrganisations: boolean;
}

const keyOf = (kind: BlockKind, subject: string): string => `${kind} ${subject}`;

/**
 * Reads the snapshot by what it means. What it holds is worked out when it has changed, and ends are looked at when they are
 * asked for: a block that has ended is none, though nothing has changed.
 */
export function createHeldBlocks(snapshot: KeyedSnapshot<BlockFact>, now: () => number) {
  let seenRevision = -1;
  let networks: BlockList | null = null;
  let ofNetworks: readonly BlockFact[] = [];
  const bySubject = new Map<string, BlockFact>();
  let places = { some: false, organisations: false };

  function workOut(all: ReadonlyMap<string, BlockFact>): void {
    bySubject.clear();
    const found: BlockFact[] = [];
    let some = false;
    let organisations = false;
    for (const fact of all.values()) {
      if (fact.kind === "network") found.push(fact);
      else bySubject.set(keyOf(fact.kind, fact.subject), fact);
      if (fact.kind === "organisation") organisations = true;
      if (fact.kind === "project") some = true;
    }
    ofNetworks = found;
    networks = found.length === 0 ? null : listOfNetworks(found.map(({ subject }) => subject));
    places = { some: some || organisations, organisations };
  }

  const inForce = (fact: BlockFact | undefined): BlockFact | null =>
    fact === undefined || (fact.endsAtMs !== null && fact.endsAtMs <= now()) ? null : fact;

  const held: HeldBlocks = {
    ofAddress(ip) {
      if (networks === null || !isInNetworks(networks, ip)) return null;
      const own = ofNetworks.find((fact) => inForce(fact) !== null && isInNetworks(listOfNetworks([fact.subject]), ip));
      return own ?? null;
    },
    of: (kind, subject) => (bySubject.size === 0 ? null : inForce(bySubject.get(keyOf(kind, subject)))),
    get someOfPlaces() {
      return places.some;
    },
    get someOfOrganisations() {
      return places.organisations;
    },
  };

  function current(all: ReadonlyMap<string, BlockFact>): HeldBlocks {
    if (snapshot.revision !== seenRevision) {
      workOut(all);
      seenRevision = snapshot.revision;
    }
    return held;
  }

  /** @throws SERVICE_UNAVAILABLE when the database does not answer and nothing fresh is known */
  return (): HeldBlocks | Promise<HeldBlocks> => {
    const all = snapshot.all();
    return all instanceof Promise ? all.then(current) : current(all);
  };
}
