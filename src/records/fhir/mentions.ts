import {
  parseResourceId,
  parseResourceType,
  type ResourceId,
  type ResourceType,
} from "#core/ids.ts";

export interface Mention {
  readonly type: ResourceType;
  readonly id: ResourceId;
}

const reference =
  /"reference"\s*:\s*"([A-Z][A-Za-z]{1,63})\/([A-Za-z0-9.-]{1,64})(?:\/_history\/[A-Za-z0-9.-]{1,64})?"/g;

/** The literal relative references of a resource's text, in order and as often as they stand there. */
export function mentionsIn(text: string): readonly Mention[] {
  return [...text.matchAll(reference)].flatMap(([, typeText = "", idText = ""]) => {
    const [type, id] = [parseResourceType(typeText), parseResourceId(idText)];
    return type === null || id === null ? [] : [{ type, id }];
  });
}
