import { createRequire } from "node:module";

type Pointer = Buffer | null;
type Ulong = bigint;

/** The functions of PKCS#11 that are called here; each returns a CKR. */
export interface Cryptoki {
  initialize(args: Pointer): number;
  getSlotList(withToken: number, slots: Pointer, count: Pointer): number;
  getTokenInfo(slot: Ulong, info: Pointer): number;
  openSession(slot: Ulong, flags: Ulong, own: null, notify: null, session: Pointer): number;
  closeSession(session: Ulong): number;
  login(session: Ulong, user: Ulong, pin: Pointer, pinBytes: Ulong): number;
  findObjectsInit(session: Ulong, template: Pointer, count: Ulong): number;
  findObjects(session: Ulong, found: Pointer, max: Ulong, count: Pointer): number;
  findObjectsFinal(session: Ulong): number;
  getAttributeValue(session: Ulong, object: Ulong, template: Pointer, count: Ulong): number;
  generateKey(session: Ulong, how: Pointer, template: Pointer, count: Ulong, key: Pointer): number;
  encryptInit(session: Ulong, how: Pointer, key: Ulong): number;
  encrypt(session: Ulong, data: Pointer, bytes: Ulong, out: Pointer, outBytes: Pointer): number;
  decryptInit(session: Ulong, how: Pointer, key: Ulong): number;
  decrypt(session: Ulong, data: Pointer, bytes: Ulong, out: Pointer, outBytes: Pointer): number;
}

export interface NativeModule {
  readonly cryptoki: Cryptoki;
  /** Where a buffer of `memory` lies, for C structures that point to it. */
  addressOf(memory: Buffer): bigint;
}

type Koffi = typeof import("koffi");

/**
 * Loads a PKCS#11 module into this process. Returns what is missing, in words: koffi, which is an
 * optional dependency, or the module.
 */
export function loadModule(path: string): NativeModule | string {
  let koffi: Koffi;
  try {
    koffi = createRequire(import.meta.url)("koffi") as Koffi;
  } catch {
    return "the optional package koffi, which calls PKCS#11 modules, is not installed";
  }
  try {
    return { cryptoki: bind(koffi, path), addressOf: (memory) => koffi.address(memory) };
  } catch {
    return `the PKCS#11 module ${path} cannot be loaded`;
  }
}

/** CK_ULONG is `unsigned long` everywhere that we run: 64 bits. */
function bind(koffi: Koffi, path: string): Cryptoki {
  const library = koffi.load(path);
  const at = "void *";
  const ulong = "unsigned long";
  // koffi has no types for what it binds: this is the one place that says what they are.
  const bound = (name: string, types: readonly string[]): unknown =>
    library.func(name, ulong, [...types]);
  const functions: Readonly<Record<keyof Cryptoki, unknown>> = {
    initialize: bound("C_Initialize", [at]),
    getSlotList: bound("C_GetSlotList", ["uint8_t", at, at]),
    getTokenInfo: bound("C_GetTokenInfo", [ulong, at]),
    openSession: bound("C_OpenSession", [ulong, ulong, at, at, at]),
    closeSession: bound("C_CloseSession", [ulong]),
    login: bound("C_Login", [ulong, ulong, at, ulong]),
    findObjectsInit: bound("C_FindObjectsInit", [ulong, at, ulong]),
    findObjects: bound("C_FindObjects", [ulong, at, ulong, at]),
    findObjectsFinal: bound("C_FindObjectsFinal", [ulong]),
    getAttributeValue: bound("C_GetAttributeValue", [ulong, ulong, at, ulong]),
    generateKey: bound("C_GenerateKey", [ulong, at, at, ulong, at]),
    encryptInit: bound("C_EncryptInit", [ulong, at, ulong]),
    encrypt: bound("C_Encrypt", [ulong, at, ulong, at, at]),
    decryptInit: bound("C_DecryptInit", [ulong, at, ulong]),
    decrypt: bound("C_Decrypt", [ulong, at, ulong, at, at]),
  };
  return functions as Cryptoki;
}

/** Zeroed memory that stays where it is: small Buffers may lie in the heap, which the collector moves. */
export function memory(bytes: number): Buffer {
  return Buffer.from(new ArrayBuffer(bytes));
}

export const ulongBytes = 8;

/** A CK_ULONG in memory of its own. */
export function ulong(value: bigint = 0n): Buffer {
  const at = memory(ulongBytes);
  at.writeBigUInt64LE(value);
  return at;
}
