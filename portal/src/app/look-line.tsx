import { Icon } from "../design/icon.tsx";
import { Badge } from "../design/parts.tsx";
import type { Look } from "../log/readings.ts";
import { words } from "../words/en.ts";
import { deedWords, purposeWords, roleWords } from "../words/look.ts";
import { useApp } from "./context.ts";

const { access } = words;

/** One look at the record: who, what, when, why, and whether it was let through. */
export function LookLine({
  look,
  isDated = false,
}: {
  readonly look: Look;
  readonly isDated?: boolean;
}) {
  const { dates } = useApp();
  const { who, decision, first, last, lines } = look;
  const from = dates.time(first);
  const to = dates.time(last);
  const role = roleWords(look);
  const purpose = purposeWords(look);
  const isOwn = who === access.you;
  return (
    <div className={`look look-${decision}`}>
      <span className="look-icon">
        <Icon name={decision === "permit" ? "eye" : "stop"} />
      </span>
      <div className="look-words">
        <p className="look-who">
          <strong>{who === "" ? words.notRecorded : who}</strong>
          {role === null ? null : <span className="look-role"> · {role}</span>}
        </p>
        <p>
          {deedWords(look)}
          {purpose === null ? "" : `, ${purpose}`}
        </p>
        {decision === "permit" ? null : (
          <p className="look-stopped">
            <Badge tone={decision === "deny" ? "danger" : "high"} icon="stop">
              {decision === "deny" ? access.denied : access.failed}
            </Badge>{" "}
            {decision === "error"
              ? access.failedText
              : isOwn
                ? access.deniedYou
                : access.deniedText}
          </p>
        )}
        <p className="look-when">
          {isDated ? `${dates.dayHeading(last)}, ` : ""}
          {from === to ? to : access.between(from, to)}
          {lines.length > 1 ? ` · ${access.times(lines.length)}` : ""}
        </p>
      </div>
    </div>
  );
}
