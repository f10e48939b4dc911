import { armor, Decrypter, Encrypter } from "age-encryption";
import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";

/** Texts for people, as armored age files that the `age` tool opens, too. */

const armorBegin = "-----BEGIN AGE ENCRYPTED FILE-----";
const identityLine = /^AGE-SECRET-KEY-(?:PQ-)?1[02-9AC-HJ-NP-Z]{58}$/;

/** Encrypts to a classic (age1…) or hybrid (age1pq1…) recipient. Fails with "parameter-invalid". */
export async function sealText(text: string, recipient: string): Promise<Result<string>> {
  const encrypter = new Encrypter();
  try {
    encrypter.addRecipient(recipient);
  } catch {
    return refuse("parameter-invalid", {
      detail: `"${recipient.slice(0, 16)}…" is not an age recipient (age1…)`,
    });
  }
  return ok(armor.encode(await encrypter.encrypt(text)));
}

export const isSealedText = (text: string): boolean => text.trimStart().startsWith(armorBegin);

/** Opens an armored file with whichever identity fits. Fails with "escrow-refused" when none does. */
export async function openText(
  armored: string,
  identities: readonly string[],
): Promise<Result<string>> {
  const decrypter = new Decrypter();
  try {
    for (const identity of identities) decrypter.addIdentity(identity);
    return ok(await decrypter.decrypt(armor.decode(armored), "text"));
  } catch {
    return refuse("escrow-refused", {
      detail: "it is encrypted, and none of the identities given opens it",
    });
  }
}

/** The identities in a file as `age-keygen` writes it; comments and blank lines are passed over. */
export function parseIdentities(text: string): readonly string[] {
  return text
    .split("\n")
    .map((line) => line.trim())
    .filter((line) => identityLine.test(line));
}
