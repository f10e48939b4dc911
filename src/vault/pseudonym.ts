import { createHmac, type KeyObject } from "node:crypto";
import { encodeFields } from "#core/fields.ts";
import { parsePseudonym, type Pseudonym, type ResourceId, type TenantId } from "#core/ids.ts";
import { invariant } from "#core/result.ts";

/**
 * The name under which a patient stands in rows, keys and log: a keyed HMAC of the Patient's id as
 * a uuid of version 8 (RFC 9562 §5.8), 122 bits of it. Without the key nobody can tell, by trying
 * ids, whose pseudonym it is.
 */
export function pseudonymOf(key: KeyObject, tenant: TenantId, patient: ResourceId): Pseudonym {
  const mac = createHmac("sha256", key)
    .update(encodeFields(["Patient", tenant, patient]))
    .digest();
  mac.writeUInt8((mac.readUInt8(6) & 0x0f) | 0x80, 6);
  mac.writeUInt8((mac.readUInt8(8) & 0x3f) | 0x80, 8);
  const hex = mac.toString("hex", 0, 16);
  const groups = [hex.slice(0, 8), hex.slice(8, 12), hex.slice(12, 16), hex.slice(16, 20)];
  const pseudonym = parsePseudonym([...groups, hex.slice(20)].join("-"));
  invariant(pseudonym !== null, "sixteen bytes make a uuid");
  return pseudonym;
}
