import { refuse } from "#core/problem.ts";
import { ok, type Result } from "#core/result.ts";
import {
  contactOf,
  contactPointOf,
  namedWords,
  soundsOf,
  wordsOf,
} from "#records/fhir/person-values.ts";
import { filterAlone, type Asked, type ValueFilter } from "#records/fhir/search-asked.ts";

/** Parameters of persons whose values are not compared letter by letter. */
const contactCodes: ReadonlySet<string> = new Set(["phone", "email", "telecom"]);

export function isPersonParameter({ rule }: Asked): boolean {
  return rule.code === "phonetic" || (contactCodes.has(rule.code) && rule.kind === "token");
}

function invalid({ rule }: Asked, detail: string): Result<never> {
  return refuse("parameter-invalid", { at: rule.code, detail });
}

/** `value` or `use|value`; `|value` asks for one without a use. */
function contactFilter(asked: Asked): Result<ValueFilter> {
  const at = asked.value.indexOf("|");
  const use = at === -1 ? undefined : asked.value.slice(0, at);
  const wanted = contactOf(at === -1 ? asked.value : asked.value.slice(at + 1));
  if (wanted === null) return invalid(asked, "is empty");
  const found = (values: readonly unknown[]): boolean =>
    values.some((value) => {
      const contact = contactPointOf(value);
      if (contact?.kind !== wanted.kind || contact.text !== wanted.text) return false;
      return use === undefined || contact.use === (use === "" ? null : use);
    });
  const matches: ValueFilter["matches"] =
    asked.modifier === "not" ? (values) => !found(values) : found;
  return ok(filterAlone(matches));
}

/** Every word asked for sounds like one of the names. */
function phoneticFilter(asked: Asked): Result<ValueFilter> {
  const wanted = wordsOf(asked.value).map(soundsOf);
  if (wanted.length === 0 || wanted.some((sounds) => sounds.length === 0))
    return invalid(asked, "names no word in Latin letters");
  const matches: ValueFilter["matches"] = (values) => {
    const heard = new Set(values.flatMap(namedWords).flatMap(soundsOf));
    return wanted.every((sounds) => sounds.some((sound) => heard.has(sound)));
  };
  return ok(filterAlone(matches));
}

/** Reads one value of such a parameter, unescaped; fails as parameter-unknown or parameter-invalid. */
export function personFilter(asked: Asked): Result<ValueFilter> {
  const { rule, modifier } = asked;
  const isPhonetic = rule.code === "phonetic";
  if (modifier !== null && (isPhonetic || modifier !== "not"))
    return refuse("parameter-unknown", {
      at: `${rule.code}:${modifier}`,
      detail: isPhonetic
        ? "of the modifiers, it takes :missing"
        : "of the modifiers, it takes :not and :missing",
    });
  return isPhonetic ? phoneticFilter(asked) : contactFilter(asked);
}
