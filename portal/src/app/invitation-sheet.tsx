import type { Invitation } from "../account/invitation.ts";
import { Button, Notice } from "../design/parts.tsx";
import { Qr } from "../design/qr.tsx";
import { words } from "../words/en.ts";
import { useApp } from "./context.ts";
import { Page } from "./page.tsx";

const { invitation: sheet } = words;

/** One page to hand over or to print: the link as a QR code, and the code to type. */
export function InvitationSheet(props: {
  readonly invitation: Invitation;
  readonly close: () => void;
}) {
  const { invitation, close } = props;
  const { origin, dates } = useApp();
  const { name, code, enrolPath, endsAt } = invitation;
  return (
    <Page title={sheet.title} heading={name === null ? sheet.title : sheet.heading(name)}>
      <Notice tone="high" title={sheet.once}>
        <p>{sheet.onceText}</p>
      </Notice>
      <section className="card invitation">
        {enrolPath === null ? (
          <p>{sheet.envelope}</p>
        ) : (
          <div className="stack">
            <h2>{sheet.scan}</h2>
            <Qr text={`${origin}${enrolPath}`} label={sheet.qrLabel} />
          </div>
        )}
        {code === null ? null : (
          <div className="stack">
            <h2>{enrolPath === null ? sheet.type : sheet.orType}</h2>
            <ol className="steps">
              <li>{sheet.goTo(`${origin}/invitation`)}</li>
              <li>{enrolPath === null ? sheet.typeCodeAlone : sheet.typeCode}</li>
            </ol>
            <p className="paper-code">{code}</p>
            {enrolPath === null ? null : <p className="item-when">{sheet.birthDate}</p>}
          </div>
        )}
        {endsAt === null ? null : <p>{sheet.until(dates.moment(endsAt))}</p>}
        <p>{sheet.care}</p>
      </section>
      <div className="actions no-print">
        <Button icon="print" onPress={() => print()}>
          {sheet.print}
        </Button>
        <Button look="quiet" onPress={close}>
          {sheet.close}
        </Button>
      </div>
    </Page>
  );
}
