import { useState } from "react";
import type { Invitation } from "../../account/invitation.ts";
import type { Grant, Grants } from "../../account/grants.ts";
import { useAccount } from "../../app/account.ts";
import { Confirm } from "../../app/confirm.tsx";
import { useApp } from "../../app/context.ts";
import { InvitationSheet } from "../../app/invitation-sheet.tsx";
import { LoadedPart } from "../../app/loaded-part.tsx";
import { useLoad } from "../../app/load.ts";
import { Page } from "../../app/page.tsx";
import { Badge, Button, Empty } from "../../design/parts.tsx";
import { words } from "../../words/en.ts";
import { InviteHelper } from "./invite-helper.tsx";
import { TakeUp } from "./take-up.tsx";

const { people, sections } = words.account;

/** Who may act for the person, and for whom she may act. */
export function Component() {
  const account = useAccount();
  const loading = useLoad("grants", account.grants);
  const [asked, setAsked] = useState<"invite" | "take-up" | null>(null);
  const [made, setMade] = useState<Invitation | null>(null);
  const invited = (invitation: Invitation): void => {
    setAsked(null);
    setMade(invitation);
    loading.again();
  };
  if (made !== null) return <InvitationSheet invitation={made} close={() => setMade(null)} />;
  return (
    <Page title={words.account.title} heading={sections.people} lead={people.lead}>
      <LoadedPart of={loading} name={people.loading}>
        {(grants) => <Both grants={grants} changed={loading.again} />}
      </LoadedPart>
      {asked === "invite" ? <InviteHelper sent={invited} cancel={() => setAsked(null)} /> : null}
      {asked === "take-up" ? <TakeUp cancel={() => setAsked(null)} /> : null}
      {asked === null ? (
        <div className="actions">
          <Button look="quiet" icon="add" onPress={() => setAsked("invite")}>
            {people.add}
          </Button>
          <Button look="plain" onPress={() => setAsked("take-up")}>
            {people.takeUp}
          </Button>
        </div>
      ) : null}
    </Page>
  );
}

function Both({ grants, changed }: { readonly grants: Grants; readonly changed: () => void }) {
  return (
    <>
      <section className="stack">
        <h2>{people.forMe}</h2>
        {grants.forMe.length === 0 ? <Empty icon="people">{people.forMeNone}</Empty> : null}
        <Lines grants={grants.forMe} changed={changed} />
      </section>
      <section className="stack">
        <h2>{people.byMe}</h2>
        {grants.byMe.length === 0 ? <Empty icon="people">{people.byMeNone}</Empty> : null}
        <Lines grants={grants.byMe} changed={null} />
      </section>
    </>
  );
}

/** `changed` is null where the person can end nothing. */
function Lines(props: {
  readonly grants: readonly Grant[];
  readonly changed: (() => void) | null;
}) {
  const { grants, changed } = props;
  if (grants.length === 0) return null;
  return (
    <ul className="items">
      {grants.map((grant) => (
        <li className="item" key={grant.id}>
          <Line grant={grant} changed={changed} />
        </li>
      ))}
    </ul>
  );
}

const kinds: ReadonlyMap<string, string> = new Map(Object.entries(people.kinds));

function Line(props: { readonly grant: Grant; readonly changed: (() => void) | null }) {
  const { grant, changed } = props;
  const { dates } = useApp();
  const account = useAccount();
  const { id, kind, startsAt, endsAt, isWaiting } = grant;
  const name = grant.name ?? people.unnamed;
  return (
    <>
      <div className="item-top">
        <h3 className="item-name">{name}</h3>
        {isWaiting ? <Badge tone="plain">{people.invited}</Badge> : null}
      </div>
      <ul className="facts item-when">
        <li>{kinds.get(kind) ?? people.kindOther}</li>
        {startsAt === null ? null : <li>{people.since(dates.day(startsAt))}</li>}
        {endsAt === null ? null : <li>{people.until(dates.day(endsAt))}</li>}
      </ul>
      {changed === null ? null : (
        <div className="actions">
          <Confirm
            name={people.end}
            label={people.endThis(name)}
            title={people.endTitle(name)}
            text={people.endText}
            work={() => account.endGrant(id)}
            then={changed}
          />
        </div>
      )}
    </>
  );
}
