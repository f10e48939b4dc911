import type { Brand } from "#core/brand.ts";

/** The deployment's tenant; a uuid in lower case. */
export type TenantId = Brand<string, "TenantId">;
/** Stands for one patient in rows, keys and log, telling nothing of the person: a uuid. */
export type Pseudonym = Brand<string, "Pseudonym">;
/** FHIR logical id: 1 to 64 characters of A-Z a-z 0-9 - and . (FHIR R4 `id`). */
export type ResourceId = Brand<string, "ResourceId">;
/** A FHIR R4 resource type name by its shape; whether it exists is the FHIR part's to say. */
export type ResourceType = Brand<string, "ResourceType">;
export type AccountId = Brand<string, "AccountId">;
export type SessionId = Brand<string, "SessionId">;
export type DeviceId = Brand<string, "DeviceId">;
export type RequestId = Brand<string, "RequestId">;

const uuid = /^[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}$/;
const fhirId = /^[A-Za-z0-9.-]{1,64}$/;
const typeName = /^[A-Z][A-Za-z]{1,63}$/;

// Each parser returns null when the text has not the form; none throws.
export const parseTenantId = (text: string): TenantId | null =>
  uuid.test(text) ? (text as TenantId) : null;
export const parsePseudonym = (text: string): Pseudonym | null =>
  uuid.test(text) ? (text as Pseudonym) : null;
export const parseAccountId = (text: string): AccountId | null =>
  uuid.test(text) ? (text as AccountId) : null;
export const parseSessionId = (text: string): SessionId | null =>
  uuid.test(text) ? (text as SessionId) : null;
export const parseDeviceId = (text: string): DeviceId | null =>
  uuid.test(text) ? (text as DeviceId) : null;
export const parseRequestId = (text: string): RequestId | null =>
  uuid.test(text) ? (text as RequestId) : null;

export function parseResourceId(text: string): ResourceId | null {
  return fhirId.test(text) ? (text as ResourceId) : null;
}

export function parseResourceType(text: string): ResourceType | null {
  return typeName.test(text) ? (text as ResourceType) : null;
}
