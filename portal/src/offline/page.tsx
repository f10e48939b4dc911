import { useEffect, useState } from "react";
import type { Failure } from "../api/failure.ts";
import type { Dates } from "../dates/dates.ts";
import { Mark } from "../design/mark.tsx";
import { Button, Notice, Waiting } from "../design/parts.tsx";
import { words } from "../words/en.ts";
import { failureWords } from "../words/failure.ts";
import { readCopy, standingCopy, type CopyDeps } from "./copy.ts";
import type { Summary } from "./summary.ts";
import { SummaryView } from "./summary-view.tsx";

const { offline } = words;

type Deps = Pick<CopyDeps, "keeping" | "askPasskey" | "nowMs">;

type Found =
  | { readonly state: "looking" }
  | { readonly state: "none" | "over" | "blocked" }
  /** `endsAtMs` is by this device's clock. */
  | { readonly state: "readable"; readonly endsAtMs: number };

async function look({ keeping, nowMs }: Deps): Promise<Found> {
  try {
    const kept = await standingCopy(keeping, nowMs());
    if (kept === null) return { state: "none" };
    return kept.state === "run-out"
      ? { state: "over" }
      : { state: "readable", endsAtMs: kept.endsAtMs - kept.aheadMs };
  } catch {
    return { state: "blocked" };
  }
}

/** How long the summary stands on a screen that nobody touches. */
const shownMs = 5 * 60_000;

/** What there is without a connection: the summary that this browser keeps, or that it keeps none. */
export function OfflinePage({ deps, dates }: { readonly deps: Deps; readonly dates: Dates }) {
  const [found, setFound] = useState<Found>({ state: "looking" });
  const [summary, setSummary] = useState<Summary | null>(null);
  useEffect(() => void look(deps).then(setFound), [deps]);
  const hide = (): void => {
    setSummary(null);
    void look(deps).then(setFound);
  };
  return (
    <div className="frame">
      <main id="main" tabIndex={-1}>
        {summary === null || found.state !== "readable" ? (
          <div className="narrow sheet">
            <Mark size={48} />
            <h1>{offline.title}</h1>
            <Door found={found} deps={deps} dates={dates} open={setSummary} refused={hide} />
            <p>
              <a href="/home">{offline.again}</a>
            </p>
          </div>
        ) : (
          <Shown summary={summary} endsAtMs={found.endsAtMs} dates={dates} hide={hide} />
        )}
      </main>
    </div>
  );
}

interface DoorProps {
  readonly found: Found;
  readonly deps: Deps;
  readonly dates: Dates;
  readonly open: (summary: Summary) => void;
  /** Called when it did not open, as it may have run out meanwhile. */
  readonly refused: () => void;
}

function Door({ found, deps, dates, open, refused }: DoorProps) {
  const [isBusy, setIsBusy] = useState(false);
  const [failure, setFailure] = useState<Failure | null>(null);
  const show = async (): Promise<void> => {
    setIsBusy(true);
    const read = await readCopy(deps);
    setIsBusy(false);
    setFailure(read.ok ? null : read.failure);
    if (read.ok) open(read.value);
    else refused();
  };
  if (found.state === "looking") return <Waiting words={words.opening} rows={1} />;
  if (found.state !== "readable") return <p>{offline[found.state]}</p>;
  const told = failure === null ? null : failureWords(failure);
  return (
    <>
      <p className="lead">{offline.ready(momentOf(found.endsAtMs, dates))}</p>
      {told === null ? null : (
        <Notice tone="danger" title={told.title} isUrgent>
          <p>{told.text}</p>
        </Notice>
      )}
      <Button icon="lock" isBusy={isBusy} onPress={() => void show()}>
        {isBusy ? offline.showing : offline.show}
      </Button>
    </>
  );
}

const momentOf = (ms: number, dates: Dates): string => dates.moment(new Date(ms).toISOString());

const signsOfLife = ["pointerdown", "keydown", "wheel", "touchmove"] as const;

/** Stands until the lease ends, nobody has touched it for a while, or something else is looked at. */
function Shown(props: {
  readonly summary: Summary;
  readonly endsAtMs: number;
  readonly dates: Dates;
  readonly hide: () => void;
}) {
  const { summary, endsAtMs, dates, hide } = props;
  useEffect(() => {
    let touchedMs = Date.now();
    const touched = (): void => {
      touchedMs = Date.now();
    };
    const left = (): void => {
      if (document.hidden) hide();
    };
    const ticking = setInterval(() => {
      if (Date.now() >= Math.min(endsAtMs, touchedMs + shownMs)) hide();
    }, 1_000);
    for (const sign of signsOfLife) addEventListener(sign, touched, { passive: true });
    document.addEventListener("visibilitychange", left);
    return () => {
      clearInterval(ticking);
      for (const sign of signsOfLife) removeEventListener(sign, touched);
      document.removeEventListener("visibilitychange", left);
    };
  });
  return (
    <SummaryView summary={summary} dates={dates} until={momentOf(endsAtMs, dates)} hide={hide} />
  );
}
