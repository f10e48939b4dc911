import type { ResourceId, ResourceType } from "#core/ids.ts";
import type { DeedsDeps } from "#records/deeds.ts";
import type { Asked, Deed } from "#records/server.ts";

/** On what an operation was called: null where the address names none. */
export interface CalledOn {
  readonly type: ResourceType | null;
  readonly id: ResourceId | null;
}

/** One FHIR operation (R4 §3.2), as it is served and as the CapabilityStatement tells of it. */
export interface Operation {
  /** Without the `$`. */
  readonly name: string;
  /** The canonical url of its OperationDefinition. */
  readonly definition: string;
  readonly levels: readonly ("system" | "type" | "instance")[];
  /** Types on which it may be called; null when on any. */
  readonly types: readonly string[] | null;
  /** Null when nothing is done by this method. */
  readonly deed: (deps: DeedsDeps, asked: Asked, on: CalledOn) => Deed | null;
}
