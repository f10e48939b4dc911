import type { EscrowShare } from "#keys/escrow-share.ts";

/** What a share's file is called. */
export function shareFileName({ number, shares }: EscrowShare, encrypted: boolean): string {
  return `share-${number}-of-${shares}.${encrypted ? "age" : "txt"}`;
}

export const escrowFileName = "escrow.age";
export const instructionsFileName = "INSTRUCTIONS.txt";

const restoring = (threshold: number): string => `\
How the keys come back, when nobody can open them in any other way:

  1. Bring together ${escrowFileName} and ${threshold} of the shares on a machine that is trusted and
     has Phylax and its data. Phylax must not be running there.
  2. Prove that they fit, which changes nothing (this one needs Phylax running, where it still does):
       phylax keys escrow rehearse --file ${escrowFileName} --share FILE --share FILE …
  3. Move what is left of the old keys folder away, set a new passphrase or KMS, and restore:
       phylax keys escrow restore --file ${escrowFileName} --share FILE --share FILE …
  4. Start Phylax, then make a new epoch and a new escrow, and destroy this one:
       phylax keys rotate-kek --retire-old
       phylax keys escrow --shares N --threshold M --out FOLDER
`;

/** The text around a share that says to whoever finds it, in years, what it is. */
export function shareText(share: EscrowShare, block: string): string {
  return `\
PHYLAX KEY ESCROW: SHARE ${share.number} OF ${share.shares}

This is one part of the key that opens the health records of this clinic when every other way is
lost. ${share.threshold} parts of ${share.shares} are needed; this one alone opens nothing and tells nothing.

  - Keep it where only you can reach it, apart from the other shares and from the clinic's machines.
  - Give it to nobody but the privacy or security officer, in person, and write down when you did.
  - If it is lost or seen by others, say so at once: a new escrow is made, and this share is void.
  - It may be printed; it can be typed in again from paper.

${block}
${restoring(share.threshold)}`;
}

export interface FolderFacts {
  readonly escrow: string;
  readonly shares: number;
  readonly threshold: number;
  readonly encrypted: boolean;
  readonly epochs: readonly number[];
  /** ISO 8601. */
  readonly createdAt: string;
}

const encryptedShares = `\
Each share is encrypted to its custodian's own age key. Its custodian reads it with
       age --decrypt -i MY-KEY-FILE share-1-of-5.age
or hands the encrypted file and the key file to the commands below (--identity MY-KEY-FILE).
`;

const plainShares = `\
THE SHARES ARE NOT ENCRYPTED. Whoever copies enough of these files can open every record. Hand each
to its custodian by a way of its own and then destroy this folder.
`;

/** What lies beside the files in the folder, in the clear. */
export function folderText(facts: FolderFacts): string {
  const { escrow, shares, threshold, encrypted, epochs, createdAt } = facts;
  return `\
PHYLAX KEY ESCROW ${escrow}

Made at ${createdAt}. ${escrowFileName} holds the key-encryption keys of epoch ${epochs.join(", ")}.
Any ${threshold} of its ${shares} shares open it; it is an age file (https://age-encryption.org) with a
post-quantum recipient (ML-KEM-768 with X25519).

${encrypted ? encryptedShares : plainShares}
Give each share to another person. Keep ${escrowFileName} in two places, apart from the shares.
After every new epoch (phylax keys rotate-kek, phylax keys shred) make a new escrow and destroy this
one: it lacks the new epoch, and it still opens what was shredded since.

${restoring(threshold)}`;
}
