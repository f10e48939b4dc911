/** Numbers of PKCS#11 v2.40 (OASIS, pkcs11t.h) and, where marked, v3.0. */

export const ckm = { aesKeyGen: 0x1080n, aesGcm: 0x1087n } as const;
export const cko = { secretKey: 4n } as const;
export const ckk = { aes: 0x1fn } as const;
export const cku = { user: 1n } as const;
export const ckf = { osLockingOk: 2n, rwSession: 2n, serialSession: 4n } as const;

export const cka = {
  class: 0n,
  token: 1n,
  private: 2n,
  label: 3n,
  keyType: 0x100n,
  sensitive: 0x103n,
  encrypt: 0x104n,
  decrypt: 0x105n,
  valueLen: 0x161n,
  extractable: 0x162n,
} as const;

/** Return values that mean something of their own to us. */
export const ckr = {
  ok: 0,
  generalError: 0x5,
  functionFailed: 0x6,
  deviceError: 0x30,
  deviceRemoved: 0x32,
  encryptedDataInvalid: 0x40,
  encryptedDataLenRange: 0x41,
  /** v3.0 */
  aeadDecryptFailed: 0x42,
  keyHandleInvalid: 0x60,
  objectHandleInvalid: 0x82,
  pinIncorrect: 0xa0,
  pinLocked: 0xa4,
  sessionClosed: 0xb0,
  sessionHandleInvalid: 0xb3,
  signatureInvalid: 0xc0,
  tokenNotPresent: 0xe0,
  userAlreadyLoggedIn: 0x100,
  userNotLoggedIn: 0x101,
  notInitialized: 0x190,
  alreadyInitialized: 0x191,
} as const;

/** After these a session that is opened anew may work: the token was pulled, or the service restarted. */
export const lostSession: ReadonlySet<number> = new Set([
  ckr.deviceError,
  ckr.deviceRemoved,
  ckr.keyHandleInvalid,
  ckr.objectHandleInvalid,
  ckr.sessionClosed,
  ckr.sessionHandleInvalid,
  ckr.tokenNotPresent,
  ckr.userNotLoggedIn,
  ckr.notInitialized,
]);

/** What a module says of a tag that does not fit. */
export const wrongTag: ReadonlySet<number> = new Set([
  ckr.encryptedDataInvalid,
  ckr.encryptedDataLenRange,
  ckr.aeadDecryptFailed,
  ckr.signatureInvalid,
]);

/** What some modules (SoftHSM 2.6 among them) say of it too, but also of a device that is broken. */
export const unclear: ReadonlySet<number> = new Set([ckr.generalError, ckr.functionFailed]);

/** `CKR_…` as the standard writes numbers, for messages. */
export const ckrText = (code: number): string => `CKR 0x${code.toString(16)}`;
