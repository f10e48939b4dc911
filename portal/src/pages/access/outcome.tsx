import type { AccessDeed, AccessRequestState } from "../../../../src/core/wire.ts";
import { useApp } from "../../app/context.ts";
import { Badge } from "../../design/parts.tsx";
import { words } from "../../words/en.ts";

const { register } = words;

/** How a request ended: in a word, or with who decided and why. */
export function Outcome(props: { readonly now: AccessRequestState; readonly isShort?: boolean }) {
  const { now, isShort = false } = props;
  if (now.state === "open") return null;
  if (isShort) return <Short now={now} />;
  const said = now.state === "fulfilled" ? now.how : now.state === "denied" ? now.reason : "";
  return (
    <div className="answer">
      {said === "" ? null : <p className="written">{said}</p>}
      {now.state === "denied" ? (
        <ul className="plain-list">
          {now.grounds.map(({ ground, cite }) => (
            <li key={ground}>
              {names.get(ground) ?? ground} <span className="item-when">({cite})</span>
            </li>
          ))}
        </ul>
      ) : null}
      <By deed={now} />
    </div>
  );
}

const names: ReadonlyMap<string, string> = new Map(Object.entries(register.groundNames));
const roles: ReadonlyMap<string, string> = new Map(Object.entries(words.access.roles));

function By({ deed }: { readonly deed: AccessDeed }) {
  const { dates } = useApp();
  const who = deed.byYou ? register.you : (roles.get(deed.role ?? "") ?? register.someone);
  return <p className="item-when">{register.by(who, dates.moment(deed.at))}</p>;
}

function Short({ now }: { readonly now: Exclude<AccessRequestState, { state: "open" }> }) {
  const { outcomes } = register;
  if (now.state === "fulfilled") return <Badge tone="ok">{outcomes.fulfilled}</Badge>;
  if (now.state === "withdrawn") return <Badge tone="plain">{outcomes.withdrawn}</Badge>;
  return <Badge tone="high">{now.inPart ? outcomes.partly : outcomes.denied}</Badge>;
}
