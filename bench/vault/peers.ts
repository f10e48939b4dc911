import { randomBytes } from "node:crypto";
import { createRequire } from "node:module";
import {
  AlgorithmSuiteIdentifier,
  buildClient,
  CommitmentPolicy,
  RawAesKeyringNode,
  RawAesWrappingSuiteIdentifier,
} from "@aws-crypto/client-node";

/** Another way to seal a record, in the same process. */
export interface Peer {
  readonly name: string;
  readonly seal: (plain: Buffer) => Promise<unknown>;
  /** Opens what `seal` gave. */
  readonly open: (sealed: unknown) => Promise<unknown>;
}

/** What we use of ciphersweet-js, whose own types leave out the half of it. */
interface CipherSweetModule {
  readonly CipherSweet: new (provider: object, backend: object) => object;
  readonly StringProvider: new (keyHex: string) => object;
  readonly FIPSCrypto: new () => object;
  readonly EncryptedField: {
    build(
      engine: object,
      table: string,
      field: string,
    ): Promise<{
      encryptValue(plain: Buffer, aad: string): Promise<string>;
      decryptValue(sealed: unknown, aad: string): Promise<Buffer>;
    }>;
  };
}

/** AES-256-CTR and HMAC-SHA-384, one key a column. */
async function ciphersweet(): Promise<Peer> {
  const module = createRequire(import.meta.url)("ciphersweet-js") as CipherSweetModule;
  const { CipherSweet, StringProvider, FIPSCrypto, EncryptedField } = module;
  const provider = new StringProvider(randomBytes(32).toString("hex"));
  const engine = new CipherSweet(provider, new FIPSCrypto());
  const field = await EncryptedField.build(engine, "record", "sealed");
  const aad = "Observation/1";
  return {
    name: "ciphersweet-js",
    seal: (plain) => field.encryptValue(plain, aad),
    open: (sealed) => field.decryptValue(sealed, aad),
  };
}

/** AES-256-GCM with key commitment, a key of its own for each message, wrapped under a local key. */
function awsEncryptionSdk(): Peer {
  const { encrypt, decrypt } = buildClient(CommitmentPolicy.REQUIRE_ENCRYPT_REQUIRE_DECRYPT);
  const keyring = new RawAesKeyringNode({
    keyName: "patient",
    keyNamespace: "bench",
    unencryptedMasterKey: randomBytes(32),
    wrappingSuite: RawAesWrappingSuiteIdentifier.AES256_GCM_IV12_TAG16_NO_PADDING,
  });
  const suiteId = AlgorithmSuiteIdentifier.ALG_AES256_GCM_IV12_TAG16_HKDF_SHA512_COMMIT_KEY;
  const encryptionContext = { place: "Observation/1" };
  return {
    name: "@aws-crypto/client-node",
    seal: async (plain) => (await encrypt(keyring, plain, { encryptionContext, suiteId })).result,
    open: (sealed) => decrypt(keyring, sealed as Buffer),
  };
}

export async function peers(): Promise<readonly Peer[]> {
  return [await ciphersweet(), awsEncryptionSdk()];
}
