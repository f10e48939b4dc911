import { useState, type ReactNode } from "react";
import { finishRecovery, recoveryState } from "../../api/entry.ts";
import { useApp } from "../../app/context.ts";
import { useDeed } from "../../app/deed.ts";
import { Failed } from "../../app/failed.tsx";
import { useLoad } from "../../app/load.ts";
import { useArrival } from "../../app/page.tsx";
import { Button, Notice, Waiting } from "../../design/parts.tsx";
import { Qr } from "../../design/qr.tsx";
import { words } from "../../words/en.ts";

const { recovery } = words;

/** A way back that was begun: the wait, and then the last step. */
export function Underway({ token, again }: { readonly token: string; readonly again: () => void }) {
  const { dates } = useApp();
  const { loaded, again: reload } = useLoad(token, () => recoveryState(token));
  const { isBusy, failure, run } = useDeed();
  if (loaded.state === "loading")
    return <Waiting words={words.loading(recovery.loading)} rows={2} />;
  if (loaded.state === "failed")
    return isRefused(loaded.failure) ? (
      <Refused again={again} />
    ) : (
      <Failed failure={loaded.failure} again={reload} />
    );
  if (failure !== null && isRefused(failure)) return <Refused again={again} />;
  const { isReady, readyAt } = loaded.value;
  if (!isReady)
    return (
      <Told title={recovery.waitTitle}>
        <p className="lead">{recovery.waitText(dates.moment(readyAt))}</p>
        <p>{recovery.waitWhy}</p>
        <Keep token={token} />
      </Told>
    );
  const finish = (): void =>
    run(
      () => finishRecovery(token),
      (enrolPath) => location.assign(enrolPath),
    );
  return (
    <Told title={recovery.readyTitle}>
      <p className="lead">{recovery.readyText}</p>
      {failure === null ? null : <Failed failure={failure} />}
      <Button icon="key" isBusy={isBusy} onPress={finish}>
        {isBusy ? recovery.finishing : recovery.finish}
      </Button>
    </Told>
  );
}

function isRefused(failure: { readonly kind: string; readonly code?: string }): boolean {
  return failure.kind === "problem" && failure.code === "recovery-refused";
}

function Told({ title, children }: { readonly title: string; readonly children: ReactNode }) {
  const heading = useArrival<HTMLHeadingElement>(title);
  return (
    <>
      <h1 ref={heading} tabIndex={-1}>
        {title}
      </h1>
      {children}
    </>
  );
}

function Refused({ again }: { readonly again: () => void }) {
  return (
    <Told title={recovery.refusedTitle}>
      <p className="lead">{recovery.refusedText}</p>
      <Button look="quiet" onPress={again}>
        {recovery.again}
      </Button>
    </Told>
  );
}

/** The link back, to scan or to have this browser keep; the choice is the person's. */
function Keep({ token }: { readonly token: string }) {
  const { origin, recovery: kept } = useApp();
  const [isKept, setIsKept] = useState(kept.isKept(token));
  const keep = (): void => {
    kept.keep(token);
    setIsKept(true);
  };
  return (
    <section className="stack">
      <h2>{recovery.keepTitle}</h2>
      <p>{recovery.keepText}</p>
      <Qr text={`${origin}/recovery#token=${token}`} label={recovery.qrLabel} />
      {isKept ? (
        <Notice tone="ok" title={recovery.remembered} />
      ) : (
        <>
          <Button look="quiet" onPress={keep}>
            {recovery.remember}
          </Button>
          <p className="field-help">{recovery.notShared}</p>
        </>
      )}
    </section>
  );
}
