import { useMemo, useState } from "react";
import { done, fail, problemFailure, type Outcome } from "../../api/failure.ts";
import { Confirm } from "../../app/confirm.tsx";
import { useApp, useSignedIn } from "../../app/context.ts";
import { useDeed } from "../../app/deed.ts";
import { Failed } from "../../app/failed.tsx";
import { LoadedPart } from "../../app/loaded-part.tsx";
import { useLoad } from "../../app/load.ts";
import { Button, Notice } from "../../design/parts.tsx";
import { beginCopy, endCopy, standingCopy, type CopyDeps } from "../../offline/copy.ts";
import { createCopyDeps } from "../../offline/follow-session.ts";
import type { Kept } from "../../offline/kept.ts";
import { ownRecord } from "../../session/me.ts";
import { words } from "../../words/en.ts";

const { keep } = words.offline;

/** The switch by which a patient keeps her own summary on the device in her hands. */
export function KeepSummary() {
  const { me } = useSignedIn();
  const patient = ownRecord(me);
  if (patient === null || !("PublicKeyCredential" in window)) return null;
  return (
    <section className="stack">
      <h2>{keep.title}</h2>
      <p className="section-about">{keep.lead}</p>
      <ul className="listed">
        {keep.points.map((point) => (
          <li key={point}>{point}</li>
        ))}
      </ul>
      <Switch account={me.account} patient={patient} />
    </section>
  );
}

async function standing(deps: CopyDeps): Promise<Outcome<Kept | null>> {
  try {
    return done(await standingCopy(deps.keeping, deps.nowMs()));
  } catch {
    return fail(problemFailure("no-browser-storage"));
  }
}

function Switch({ account, patient }: { readonly account: string; readonly patient: string }) {
  const { session, origin } = useApp();
  const deps = useMemo(
    () => createCopyDeps(session, { origin, nowMs: () => Date.now() }),
    [session, origin],
  );
  const loading = useLoad("offline-copy", () => standing(deps));
  const [isGone, setIsGone] = useState(false);
  const changed = (gone: boolean) => (): void => {
    setIsGone(gone);
    loading.again();
  };
  return (
    <LoadedPart of={loading} name={keep.loading}>
      {(kept) =>
        kept !== null && kept.account === account ? (
          <IsOn kept={kept} deps={deps} off={changed(true)} />
        ) : (
          <IsOff
            isGone={isGone}
            begin={() => beginCopy(deps, { account, patient })}
            on={changed(false)}
          />
        )
      }
    </LoadedPart>
  );
}

function IsOn(props: { readonly kept: Kept; readonly deps: CopyDeps; readonly off: () => void }) {
  const { dates } = useApp();
  const { kept, deps, off } = props;
  const title =
    kept.state === "readable"
      ? keep.kept(dates.moment(new Date(kept.endsAtMs - kept.aheadMs).toISOString()))
      : keep.ranOut;
  return (
    <>
      <Notice tone={kept.state === "readable" ? "ok" : "info"} title={title} />
      <div className="actions">
        <Confirm
          name={keep.off}
          title={keep.offTitle}
          text={keep.offText}
          work={() => endCopy(deps)}
          then={off}
        />
      </div>
    </>
  );
}

function IsOff(props: {
  readonly isGone: boolean;
  readonly begin: () => Promise<Outcome<null>>;
  readonly on: () => void;
}) {
  const { isGone, begin, on } = props;
  const { isBusy, failure, run } = useDeed();
  return (
    <>
      {isGone ? <Notice tone="ok" title={keep.gone} /> : null}
      <p className="caution">{keep.caution}</p>
      {failure === null ? null : <Failed failure={failure} />}
      <div className="actions">
        <Button look="quiet" icon="lock" isBusy={isBusy} onPress={() => run(begin, on)}>
          {isBusy ? keep.busy : keep.on}
        </Button>
      </div>
    </>
  );
}
