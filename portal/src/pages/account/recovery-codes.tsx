import { useState } from "react";
import { useAccount } from "../../app/account.ts";
import { Confirm } from "../../app/confirm.tsx";
import { LoadedPart } from "../../app/loaded-part.tsx";
import { useLoad } from "../../app/load.ts";
import { Button, Notice } from "../../design/parts.tsx";
import { words } from "../../words/en.ts";

const { codes } = words.account;
/** From this number down, the person is told to make new ones. */
const few = 3;

/** How many codes are left, and new ones, which are shown this one time. */
export function RecoveryCodes() {
  const account = useAccount();
  const loading = useLoad("codes", account.codesLeft);
  const [made, setMade] = useState<readonly string[] | null>(null);
  const kept = (): void => {
    setMade(null);
    loading.again();
  };
  return (
    <section className="stack">
      <h2>{codes.title}</h2>
      {made === null ? (
        <>
          <p className="section-about">{codes.lead}</p>
          <LoadedPart of={loading} name={codes.loading}>
            {(left) => (
              <p>
                {codes.left(left)} {left < few ? codes.few : ""}
              </p>
            )}
          </LoadedPart>
          <div className="actions">
            <Confirm
              name={codes.make}
              title={codes.makeTitle}
              text={codes.makeText}
              work={account.makeCodes}
              then={setMade}
            />
          </div>
        </>
      ) : (
        <Made codes={made} kept={kept} />
      )}
    </section>
  );
}

function Made(props: { readonly codes: readonly string[]; readonly kept: () => void }) {
  return (
    <>
      <Notice tone="high" title={codes.once} isUrgent>
        <p>{codes.onceText}</p>
      </Notice>
      <ul className="secrets" aria-label={codes.listLabel}>
        {props.codes.map((code) => (
          <li key={code}>
            <code>{code}</code>
          </li>
        ))}
      </ul>
      <div className="actions no-print">
        <Button look="quiet" icon="print" onPress={() => print()}>
          {codes.print}
        </Button>
        <Button onPress={props.kept}>{codes.kept}</Button>
      </div>
    </>
  );
}
