/**
 * R4 §2.4.0.1 (rules txt-1, txt-2): a narrative's XHTML holds formatting only, no scripts, forms,
 * styles that load, or addresses that run. What breaks that is stored all the same, as the record
 * that someone sent; it is told here, and cleaned where it is shown.
 */

const elements = new Set(
  (
    "a abbr acronym b big blockquote br caption cite code col colgroup dd dfn div dl dt em h1 h2 h3 " +
    "h4 h5 h6 hr i img li ol p pre q samp small span strong sub sup table tbody td tfoot th thead " +
    "tr tt ul var"
  ).split(" "),
);

const attributes = new Set(
  (
    "abbr align alt axis border cellhalign cellpadding cellspacing cellvalign char charoff charset " +
    "cite class colspan coords dir frame headers height href hreflang id lang longdesc name nowrap " +
    "rel rev rowspan rules scope shape span src start style summary tabindex title type valign value " +
    "width xml:lang xmlns"
  ).split(" "),
);

const tag =
  /<(\/?)([A-Za-z][A-Za-z0-9:]*)((?:\s+[A-Za-z_:][\w:.-]*\s*=\s*(?:"[^"<]*"|'[^'<]*'))*)\s*(\/?)>/y;
const attribute = /([A-Za-z_:][\w:.-]*)\s*=\s*(?:"([^"]*)"|'([^']*)')/g;
const safeAddress =
  /^(?:https?:|mailto:|tel:|#|data:image\/(?:png|gif|jpeg)[;,]|[A-Za-z0-9/._?=&-]+$)/i;
const loadingStyle = /url|expression|@import|\\/i;

function attributeWrong(name: string, value: string): boolean {
  if (!attributes.has(name)) return true;
  if (name === "href" || name === "src") return !safeAddress.test(value.trim());
  return name === "style" && loadingStyle.test(value);
}

function tagWrong(found: RegExpExecArray): boolean {
  const [, , name = "", attributesText = ""] = found;
  if (!elements.has(name)) return true;
  for (const [, key = "", quoted, single] of attributesText.matchAll(attribute))
    if (attributeWrong(key, quoted ?? single ?? "")) return true;
  return false;
}

/** Takes the tag into the stack of open elements; false when it closes what is not open. */
function nests(open: string[], [, closing, name = "", , empty]: RegExpExecArray): boolean {
  if (closing === "/") return open.pop() === name;
  if (empty !== "/") open.push(name);
  return true;
}

const maxNesting = 100;

/** The text without comments; null when one does not end. */
function withoutComments(text: string): string | null {
  const pieces: string[] = [];
  let from = 0;
  for (let at = text.indexOf("<!--"); at !== -1; at = text.indexOf("<!--", from)) {
    const end = text.indexOf("-->", at + 4);
    if (end === -1) return null;
    pieces.push(text.slice(from, at));
    from = end + 3;
  }
  pieces.push(text.slice(from));
  return pieces.join("");
}

const malformed = "is not well-formed XHTML";

/** What is wrong with a Narrative's `div`, in words without its text; null when nothing is. */
export function narrativeFault(xhtml: string): string | null {
  const text = withoutComments(xhtml)?.trim();
  if (text === undefined) return malformed;
  if (!text.startsWith("<div")) return "must be a div";
  const open: string[] = [];
  for (let at = text.indexOf("<"); at !== -1; at = text.indexOf("<", tag.lastIndex)) {
    tag.lastIndex = at;
    const found = tag.exec(text);
    if (found === null) return malformed;
    if (tagWrong(found)) return "holds an element, attribute or address that R4 does not allow";
    if (!nests(open, found)) return malformed;
    if (open.length > maxNesting) return "is nested too deeply";
    if (open.length === 0 && tag.lastIndex !== text.length) return "must be one div";
  }
  return open.length === 0 ? null : malformed;
}
