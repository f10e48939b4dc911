import { useState } from "react";
import type { OpenRecovery } from "../account/recoveries.ts";
import { Notice } from "../design/parts.tsx";
import { words } from "../words/en.ts";
import { useAccount } from "./account.ts";
import { Confirm } from "./confirm.tsx";
import { useApp } from "./context.ts";
import { useLoad } from "./load.ts";

const { recovery } = words;

/** Tells every signed-in device that somebody is getting back into the account, with a way to stop it. */
export function RecoveryAlarm() {
  const account = useAccount();
  const { loaded, again } = useLoad("recoveries", account.recoveries);
  const [isStopped, setIsStopped] = useState(false);
  if (isStopped)
    return (
      <Notice tone="ok" title={recovery.stopped}>
        <p>{recovery.stoppedText}</p>
      </Notice>
    );
  // A page that came is not held up by a question that got no answer.
  if (loaded.state !== "ready") return null;
  const stopped = (): void => {
    if (loaded.value.length < 2) setIsStopped(true);
    else again();
  };
  return loaded.value.map((each) => <Alarm key={each.id} recovery={each} stopped={stopped} />);
}

function Alarm(props: { readonly recovery: OpenRecovery; readonly stopped: () => void }) {
  const { id, way, readyAt } = props.recovery;
  const { dates } = useApp();
  const account = useAccount();
  return (
    <Notice tone="danger" title={recovery.alarmTitle} isUrgent>
      <p>{way === "code" ? recovery.alarmByCode : recovery.alarmByStaff}</p>
      <p>{recovery.alarmText(dates.moment(readyAt))}</p>
      <Confirm
        name={recovery.stop}
        title={recovery.stopTitle}
        text={recovery.stopText}
        work={() => account.stopRecovery(id)}
        then={props.stopped}
      />
    </Notice>
  );
}
