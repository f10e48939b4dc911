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
import { createLeases } from "../../offline/leases.ts";
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
      <Elsewhere />
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

/** What her other devices keep: each can be ended from here. Shows nothing where there is none. */
function Elsewhere() {
  const { session, dates } = useApp();
  const leases = useMemo(() => createLeases(session), [session]);
  const { loaded, again } = useLoad("offline-leases", leases.all);
  if (loaded.state === "failed") return <Failed failure={loaded.failure} again={again} />;
  const others = loaded.state === "ready" ? loaded.value.filter(({ isThis }) => !isThis) : [];
  if (others.length === 0) return null;
  return (
    <>
      <h3>{keep.elsewhere}</h3>
      <ul className="items">
        {others.map(({ id, givenAt, renewedAt, endsAt }) => (
          <li className="item" key={id}>
            <p className="item-name">{keep.since(dates.day(givenAt))}</p>
            <ul className="facts item-when">
              <li>{keep.renewed(dates.moment(renewedAt))}</li>
              <li>
                {Date.parse(endsAt) > Date.now()
                  ? keep.until(dates.moment(endsAt))
                  : keep.ended(dates.moment(endsAt))}
              </li>
            </ul>
            <div className="actions">
              <Confirm
                name={keep.endThere}
                label={keep.endThereThis(dates.day(givenAt))}
                title={keep.endThereTitle}
                text={keep.endThereText}
                work={() => leases.end(id)}
                then={again}
              />
            </div>
          </li>
        ))}
      </ul>
    </>
  );
}
